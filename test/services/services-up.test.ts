import { expect, it } from 'vitest'
import { kafkaAnswers } from '../../cli/services/kafka-service.ts'
import { redisClusterAnswers } from '../../cli/services/redis-cluster-service.ts'
import { redisCommand } from '../../cli/services/redis-service.ts'
import { registryAnswers } from '../../cli/services/registry-service.ts'
import { describeWithService } from './require-service.ts'

const portOf = (address: string) => Number(/:(\d+)$/.exec(address)![1])

describeWithService('kafka', 'kafka service', (address) => {
  it('answers the protocol, and a port with nothing behind it does not', async () => {
    expect(await kafkaAnswers(portOf(address))).toBe(true)
    expect(await kafkaAnswers(1)).toBe(false)
  })
})

describeWithService('registry', 'registry service', (address) => {
  it("answers Confluent's API", async () => {
    expect(await registryAnswers(address)).toBe(true)
  })
})

describeWithService('redis', 'redis service', (address) => {
  it('answers PING', async () => {
    expect(await redisCommand(portOf(address), 'PING')).toBe('+PONG\r\n')
  })
})

describeWithService('redis-cluster', 'redis-cluster service', (address) => {
  it('is three nodes that all see all slots served', async () => {
    const ports = address.split(',').map(portOf)
    expect(ports).toHaveLength(3)
    for (const port of ports) expect(await redisClusterAnswers(port)).toBe(true)
  })
})
