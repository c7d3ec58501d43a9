import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'

const keepAliveMs = 60_000

/**
 * Opens kafkajs' sockets: without Nagle's delay, since each request is one write and waits for its answer; and without Node's warning
 * about listeners, which kafkajs' repeated `disconnect` of a socket that never connected would set off.
 */
export function socketFactory(options: { host: string; port: number; ssl?: ConnectionOptions; onConnect: () => void }): Socket {
  const { host, port, ssl, onConnect } = options
  const socket = ssl
    ? connectTls({ host, port, ...(/^[\d.:]+$/.test(host) ? {} : { servername: host }), ...ssl }, onConnect)
    : connectPlain({ host, port }, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, keepAliveMs)
  socket.setMaxListeners(0)
  return socket
}
