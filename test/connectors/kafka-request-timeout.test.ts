import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { kafkajs } from '../../connectors/kafka/kafkajs.ts'

const sockets = new Set<Socket>()
const server = createServer((socket) => void sockets.add(socket))
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server.close()
})

it('a broker that takes requests and never answers is given up after the time-out', async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const kafka = new kafkajs.Kafka({
    brokers: [`127.0.0.1:${port}`],
    requestTimeout: 300,
    retry: { retries: 0 },
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await expect(admin.connect()).rejects.toThrow(/timed out|Timeout/)
  expect(sockets.size).toBeGreaterThan(0)
})
