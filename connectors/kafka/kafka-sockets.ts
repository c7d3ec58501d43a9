import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

const keepAliveMs = 60_000

/**
 * kafkajs' sockets: without Nagle's delay, since each request is one write and waits for its answer; and without Node's warning
 * about listeners, which kafkajs' repeated `disconnect` of a socket that never connected would set off.
 *
 * kafkajs forgets a connection that comes up while it gives its broker up. Such a socket would keep the process alive: whoever
 * closes the log ends them all.
 */
export class KafkaSockets {
  readonly #open = new Set<Socket>()

  /** Opens one; kafkajs' `socketFactory`. */
  readonly connect = (options: { host: string; port: number; ssl?: ConnectionOptions; onConnect: () => void }): Socket => {
    const { host, port, ssl, onConnect } = options
    const socket = ssl
      ? connectTls({ host, port, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : connectPlain({ host, port }, onConnect)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, keepAliveMs)
    socket.setMaxListeners(0)
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    return socket
  }

  /** Ends every socket that is still open, without a goodbye. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy()
  }
}
