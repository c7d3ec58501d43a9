import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2'
import { status } from '@grpc/grpc-js'
import type { Clock } from '../../core/clock.ts'

/** Bytes of a gRPC message's frame: a flag and a length. */
const FRAME_BYTES = 5
/** Longest timer of Node.js; no call is meant to take that long. */
const TIMER_MS_MAX = 2 ** 31 - 1
/** What the server may send before it hears that we read: the default of 64 KiB holds up answers of a few dozen calls. */
const WINDOW_BYTES = 4 * 1024 * 1024
/** What an ended HTTP/2 stream without a status means; all others are INTERNAL. */
const endings: Readonly<Record<number, number>> = {
  [constants.NGHTTP2_NO_ERROR]: status.UNAVAILABLE,
  [constants.NGHTTP2_REFUSED_STREAM]: status.UNAVAILABLE,
  [constants.NGHTTP2_CANCEL]: status.CANCELLED,
  [constants.NGHTTP2_ENHANCE_YOUR_CALM]: status.RESOURCE_EXHAUSTED,
}

export interface UnaryCallsOptions {
  /** `host:port`. */
  readonly address: string
  /** `/package.Service/Method`. */
  readonly path: string
  /** Largest answer, bytes. */
  readonly messageBytesMax: number
  readonly clock: Clock
}

/**
 * How a call failed: a number of gRPC's statuses, its text, and whether the server had begun to answer. A lost connection counts
 * as never reached, however much of the answer had come: another server may be asked.
 */
export interface CallFailure {
  readonly code: number
  readonly details: string
  readonly reached: boolean
}

/**
 * Calls of one gRPC method over an HTTP/2 connection of their own. The gRPC library costs three times as much per call, most of
 * it for what such a call does not use (streams, interceptors, retries, compression); everything else goes through the library.
 *
 * The connection is opened by the first call, and again by the first after it was lost or given up.
 */
export class UnaryCalls {
  readonly #options: UnaryCallsOptions
  #current: Connection | null = null
  /** The current one, and those that finish their calls. */
  readonly #connections = new Set<Connection>()

  constructor(options: UnaryCallsOptions) {
    this.#options = options
  }

  /**
   * Sends one message in pieces, which are read until the call settles; resolves with the answer's bytes, valid while they are held. Rejects
   * with a `CallFailure`.
   */
  call(message: readonly Uint8Array[], deadlineMs: number): Promise<Buffer> {
    const { clock, path, messageBytesMax } = this.#options
    const leftMs = deadlineMs - clock.nowMs()
    return new Promise((resolve, reject) => {
      const unsent = (code: number, details: string) => reject({ code, details, reached: false } satisfies CallFailure)
      if (leftMs <= 0) {
        unsent(status.DEADLINE_EXCEEDED, 'Deadline exceeded')
        return
      }
      const connection = this.#open()
      let stream: ClientHttp2Stream
      try {
        stream = connection.session.request(headersOf(path, leftMs))
      } catch (error) {
        unsent(status.UNAVAILABLE, String(error))
        return
      }
      const cancelTimer = clock.after(Math.min(leftMs, TIMER_MS_MAX), () =>
        answer.fail(status.DEADLINE_EXCEEDED, 'Deadline exceeded'),
      )
      const answer = new Answer(stream, messageBytesMax, (failure, bytes) => {
        cancelTimer()
        connection.calls -= 1
        if (connection.calls === 0 && connection !== this.#current) connection.session.close()
        if (failure) reject(failure)
        else resolve(bytes!)
      })
      connection.calls += 1
      stream.cork()
      stream.write(frameOf(message))
      for (const piece of message) stream.write(piece)
      stream.end()
    })
  }

  /** Leaves the connection to the calls under way: the next call opens another. */
  renew(): void {
    const connection = this.#current
    this.#current = null
    // Closing it at once would refuse calls that have not left yet.
    if (connection?.calls === 0) connection.session.close()
  }

  /** Ends the calls under way. */
  close(): void {
    for (const { session } of this.#connections) session.destroy()
  }

  #open(): Connection {
    if (this.#current && !this.#current.session.closed && !this.#current.session.destroyed) return this.#current
    const session = connect(`http://${this.#options.address}`, {
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    })
    const connection: Connection = { session, calls: 0 }
    const leave = (): void => {
      if (this.#current === connection) this.#current = null
    }
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES))
    // Each of its calls hears of it.
    session.on('error', () => {})
    session.once('goaway', leave)
    session.once('close', () => {
      leave()
      this.#connections.delete(connection)
    })
    // A process must be able to end while a worker is only connected to.
    session.unref()
    this.#current = connection
    this.#connections.add(connection)
    return connection
  }
}

/** A connection and its calls under way. */
interface Connection {
  readonly session: ClientHttp2Session
  calls: number
}

/** One answer as it arrives; settles once. */
class Answer {
  readonly #stream: ClientHttp2Stream
  readonly #session: ClientHttp2Stream['session']
  readonly #settle: (failure: CallFailure | null, bytes?: Buffer) => void
  readonly #bytesMax: number
  #chunks: Buffer[] = []
  #length = 0
  #status: IncomingHttpHeaders | null = null
  #reached = false
  #settled = false

  constructor(stream: ClientHttp2Stream, bytesMax: number, settle: (failure: CallFailure | null, bytes?: Buffer) => void) {
    this.#stream = stream
    this.#session = stream.session
    this.#bytesMax = bytesMax
    this.#settle = settle
    stream.on('response', (headers) => this.#headers(headers))
    stream.on('trailers', (trailers) => {
      this.#status = trailers
    })
    stream.on('data', (chunk: Buffer) => this.#data(chunk))
    stream.on('end', () => this.#end())
    stream.on('error', (error: NodeJS.ErrnoException) => this.#broken(error))
    stream.on('close', () => {
      this.#end()
      this.#broken(null)
    })
  }

  fail(code: number, details: string, reached = this.#reached): void {
    if (this.#settled) return
    this.#settled = true
    this.#chunks = []
    if (!this.#stream.closed) this.#stream.close(constants.NGHTTP2_CANCEL)
    this.#settle({ code, details, reached })
  }

  /** Ended without a status: with the whole connection, or by itself. */
  #broken(error: NodeJS.ErrnoException | null): void {
    const ofStream = error === null || error.code === 'ERR_HTTP2_STREAM_ERROR'
    const isLost = !ofStream || this.#session === undefined || this.#session.closed || this.#session.destroyed
    const details = error?.message ?? (isLost ? 'the connection was lost' : 'the call ended without a status')
    if (isLost) this.fail(status.UNAVAILABLE, details, false)
    else this.fail(endings[this.#stream.rstCode] ?? status.INTERNAL, details)
  }

  #headers(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): void {
    this.#reached = true
    if (headers[':status'] !== 200) this.fail(httpStatus(headers[':status'] ?? 0), `HTTP status ${headers[':status']}`)
    else if (headers['grpc-status'] !== undefined) this.#status = headers
  }

  #data(chunk: Buffer): void {
    if (this.#settled) return
    this.#length += chunk.length
    this.#chunks.push(chunk)
    if (this.#length > this.#bytesMax + FRAME_BYTES)
      this.fail(status.RESOURCE_EXHAUSTED, `the answer is larger than ${this.#bytesMax} bytes`)
  }

  /** All has arrived; without a status yet, the end of the stream tells what it was. */
  #end(): void {
    if (this.#settled || !this.#status) return
    const code = Number(this.#status['grpc-status'] ?? status.UNKNOWN)
    if (code !== status.OK) {
      this.fail(code, percentDecoded(String(this.#status['grpc-message'] ?? '')))
      return
    }
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#length)
    if (bytes.length < FRAME_BYTES || bytes[0] !== 0 || bytes.readUInt32BE(1) !== bytes.length - FRAME_BYTES) {
      this.fail(status.INTERNAL, `an answer of ${bytes.length} bytes is not one plain message`)
      return
    }
    this.#settled = true
    this.#settle(null, bytes.subarray(FRAME_BYTES))
  }
}

function headersOf(path: string, leftMs: number): OutgoingHttpHeaders {
  return {
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_PATH]: path,
    [constants.HTTP2_HEADER_TE]: 'trailers',
    [constants.HTTP2_HEADER_CONTENT_TYPE]: 'application/grpc',
    'grpc-timeout': timeoutText(leftMs),
  }
}

/** What comes before a plain message. */
function frameOf(message: readonly Uint8Array[]): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES)
  frame.writeUInt32BE(
    message.reduce((sum, { length }) => sum + length, 0),
    1,
  )
  return frame
}

/** At most 8 digits, as the protocol asks: milliseconds, or seconds where those do not fit. */
function timeoutText(leftMs: number): string {
  const ms = Math.ceil(leftMs)
  return ms < 1e8 ? `${ms}m` : `${Math.min(99_999_999, Math.ceil(ms / 1000))}S`
}

/** The gRPC status of an HTTP answer that carries none, by gRPC's own table. */
function httpStatus(code: number): number {
  if (code === 404) return status.UNIMPLEMENTED
  if (code === 429 || code === 502 || code === 503 || code === 504) return status.UNAVAILABLE
  return code === 400 ? status.INTERNAL : status.UNKNOWN
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
