import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { KafkaSockets } from '../../connectors/kafka/kafka-sockets.ts'

it('ends the sockets that are still open, whoever forgot them', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets = new KafkaSockets()
  const open = async () => {
    const accepted = once(server, 'connection')
    const socket = sockets.connect({ host: '127.0.0.1', port, onConnect() {} })
    const [peer] = await accepted
    return { socket, peer }
  }
  const [ended, forgotten, alsoForgotten] = [await open(), await open(), await open()]
  ended.socket.destroy()
  await once(ended.peer, 'close')
  sockets.destroy()
  expect([forgotten.socket.destroyed, alsoForgotten.socket.destroyed]).toEqual([true, true])
  // Resolves only when no connection is left.
  await new Promise<void>((resolve) => server.close(() => resolve()))
})
