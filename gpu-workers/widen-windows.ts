import type { ServerHttp2Session } from 'node:http2'
import type { Server } from '@grpc/grpc-js'

/** What one call may send before we have read it, bytes: HTTP/2's own 64 KiB is less than one request of 512 rows. */
const CALL_BYTES = 1024 * 1024
/** The same for all calls of a connection together. */
const CONNECTION_BYTES = 4 * 1024 * 1024

/** What the gRPC library keeps to itself: its client has an option for windows, its server has none. */
interface Inside {
  readonly commonServerOptions?: { settings?: object }
  createHttp2Server?(credentials: unknown): { on(event: 'session', listener: (session: ServerHttp2Session) => void): void }
}

/**
 * Widens the flow-control windows of a server before it binds: with the usual ones a few requests with tensors stop each other on
 * every 32 KiB. A server of another make is left as it is, only slower; what a peer may make us hold stays bounded.
 */
export function widenWindows(server: Server): void {
  const inside = server as unknown as Inside
  const create = inside.createHttp2Server
  if (!inside.commonServerOptions || !create) return
  inside.commonServerOptions.settings = { ...inside.commonServerOptions.settings, initialWindowSize: CALL_BYTES }
  inside.createHttp2Server = (credentials) => {
    const made = create.call(server, credentials)
    made.on('session', (session) => session.setLocalWindowSize(CONNECTION_BYTES))
    return made
  }
}
