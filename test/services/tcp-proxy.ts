import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A wire that a test can cut: passes bytes on to a server, and can lose answers or refuse connections. */
export class TcpProxy {
  /** Answers are dropped and the client's connection is cut instead of passing the next one on. */
  loseAnswer = false
  /** New connections are refused. */
  refuse = false
  /** Where new connections go: a test that fails over sets it. */
  port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(port: number) {
    this.port = port
    this.#server = createServer((client) => {
      if (this.refuse) return void client.destroy()
      const upstream = connect(this.port, '127.0.0.1')
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.on('error', () => {}) // A cut wire is what this is for.
        socket.on('close', () => {
          this.#sockets.delete(socket)
          client.destroy()
          upstream.destroy()
        })
      }
      client.on('data', (data) => upstream.write(data))
      upstream.on('data', (data) => {
        if (!this.loseAnswer) return void client.write(data)
        this.loseAnswer = false
        client.destroy()
      })
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()))
  }
}
