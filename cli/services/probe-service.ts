import { inferenceAnswers } from './inference-service.ts'
import { kafkaAnswers } from './kafka-service.ts'
import { redisClusterAnswers } from './redis-cluster-service.ts'
import { redisCommand } from './redis-service.ts'
import { registryAnswers } from './registry-service.ts'
import type { ServiceKind } from './service.ts'

/** True when the service behind an address (see `Service.address`) answers its own protocol. Never throws. */
export async function probeService(kind: ServiceKind, address: string): Promise<boolean> {
  try {
    switch (kind) {
      case 'registry':
        return await registryAnswers(address)
      case 'kafka':
        return await kafkaAnswers(portOf(address))
      case 'redis':
        return (await redisCommand(portOf(address), 'PING')).startsWith('+PONG')
      case 'redis-cluster':
        return (await Promise.all(address.split(',').map((node) => redisClusterAnswers(portOf(node))))).every(Boolean)
      case 'inference':
        return await inferenceAnswers(portOf(address) + 1)
    }
  } catch {
    return false
  }
}

function portOf(address: string): number {
  return Number(/:(\d+)$/.exec(address)?.[1] ?? 0)
}
