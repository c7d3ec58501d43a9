import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A wire that a test can disturb: passes bytes on to a server, late if told to, and can lose answers or refuse connections. */
export class TcpProxy {
  /** Answers are dropped and the client's connection is cut instead of passing the next one on. */
  loseAnswer = false
  /** New connections are refused. */
  refuse = false
  /** Connections refused so far. */
  refused = 0
  /** Every byte arrives so many milliseconds later, either way. */
  delayMs = 0
  /** Where new connections go: a test that fails over sets it. */
  port: number
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor(port: number) {
    this.port = port
    this.#server = createServer((client) => {
      if (this.refuse) {
        this.refused++
        return void client.destroy()
      }
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
      const [forth, back] = [this.#wire(upstream), this.#wire(client)]
      client.on('data', forth)
      upstream.on('data', (data) => {
        if (!this.loseAnswer) return back(data)
        this.loseAnswer = false
        client.destroy()
      })
    })
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => void this.#server.listen(port, '127.0.0.1', resolve))
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

  /** Writes in order, each piece after the delay that held when it came, or with the piece before it. */
  #wire(to: Socket): (data: Buffer) => void {
    const held: { data: Buffer; atMs: number }[] = []
    const release = () => {
      while (held.length > 0 && held[0]!.atMs <= performance.now()) to.write(held.shift()!.data)
      if (held.length > 0) setTimeout(release, Math.max(1, held[0]!.atMs - performance.now()))
    }
    return (data) => {
      if (this.delayMs === 0 && held.length === 0) return void to.write(data)
      held.push({ data, atMs: performance.now() + this.delayMs })
      if (held.length === 1) setTimeout(release, this.delayMs)
    }
  }
}
