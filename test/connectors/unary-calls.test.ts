import { once } from 'node:events'
import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { status } from '@grpc/grpc-js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UnaryCalls } from '../../connectors/grpc/unary-calls.ts'
import { systemClock } from '../../core/clock.ts'

type Answering = (stream: ServerHttp2Stream, body: Buffer, headers: Record<string, unknown>) => void

const bytesMax = 100_000
const okHeaders = { ':status': 200, 'content-type': 'application/grpc' }
let server: Http2Server
let sessions: ServerHttp2Session[]
let answering: Answering
let calls: UnaryCalls

/** A server that answers as the test says, by frames of HTTP/2 and not by a gRPC library. */
beforeEach(async () => {
  sessions = []
  server = createServer()
  server.on('session', (session) => sessions.push(session))
  server.on('sessionError', () => {})
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => answering(stream, Buffer.concat(chunks), headers))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  calls = new UnaryCalls({ address: `127.0.0.1:${port}`, path: '/a.B/C', messageBytesMax: bytesMax, clock: systemClock })
})
afterEach(async () => {
  calls.close()
  for (const session of sessions) session.destroy()
  await new Promise((resolve) => server.close(resolve))
})

const inMs = (ms: number): number => Date.now() + ms
const call = (message = 'hello', deadlineMs = inMs(5_000)) => calls.call([Buffer.from(message)], deadlineMs)
const frame = (text: string, flag = 0) => {
  const head = Buffer.alloc(5)
  head[0] = flag
  head.writeUInt32BE(text.length, 1)
  return Buffer.concat([head, Buffer.from(text)])
}
/** A whole answer with a status at its end, cut into pieces. */
const answer = (...pieces: Buffer[]): Answering => {
  return (stream) => {
    stream.respond(okHeaders, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    for (const piece of pieces) stream.write(piece)
    stream.end()
  }
}

describe('UnaryCalls', () => {
  it('sends one framed message by the protocol, and reads the answer however it is cut', async () => {
    const seen: { body: Buffer; headers: Record<string, unknown> }[] = []
    const whole = frame('x'.repeat(70_000))
    for (const pieces of [[whole], [whole.subarray(0, 3), whole.subarray(3, 40_000), whole.subarray(40_000)]]) {
      answering = (stream, body, headers) => {
        seen.push({ body, headers })
        answer(...pieces)(stream, body, headers)
      }
      expect((await call('y'.repeat(90_000))).toString()).toBe('x'.repeat(70_000))
    }
    expect(sessions).toHaveLength(1)
    expect(seen[0]!.body).toEqual(frame('y'.repeat(90_000)))
    expect(seen[0]!.headers).toMatchObject({
      ':method': 'POST',
      ':path': '/a.B/C',
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    expect(seen[0]!.headers['grpc-timeout']).toMatch(/^(5000|49\d\d)m$/)
  })

  it('many at once share the connection, each with its own answer', async () => {
    answering = (stream, body, headers) => answer(frame(body.subarray(5).toString()))(stream, body, headers)
    const texts = Array.from({ length: 200 }, (_, i) => `message ${i}`)
    const answers = await Promise.all(texts.map((text) => call(text)))
    expect(answers.map(String)).toEqual(texts)
    expect(sessions).toHaveLength(1)
  })

  const trailersOnly = (code: number, message: string): Answering => {
    return (stream) => stream.respond({ ...okHeaders, 'grpc-status': String(code), 'grpc-message': message }, { endStream: true })
  }
  it.each<[string, Answering, { code: number; details: string | RegExp; reached: boolean }]>([
    ['a status in place of an answer', trailersOnly(8, 'full%3A%20%C3%BC'), { code: 8, details: 'full: ü', reached: true }],
    ['a text that is not percent-encoded', trailersOnly(3, '100% wrong'), { code: 3, details: '100% wrong', reached: true }],
    ['UNAVAILABLE by the server itself', trailersOnly(14, 'loading'), { code: 14, details: 'loading', reached: true }],
    [
      'HTTP 503',
      (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
      { code: 14, details: /503/, reached: true },
    ],
    [
      'HTTP 404',
      (stream) => stream.respond({ ':status': 404 }, { endStream: true }),
      { code: 12, details: /404/, reached: true },
    ],
    ['no message', answer(), { code: 13, details: /0 bytes/, reached: true }],
    ['half a message', answer(frame('hello').subarray(0, 7)), { code: 13, details: /7 bytes/, reached: true }],
    ['two messages', answer(frame('a'), frame('b')), { code: 13, details: /12 bytes/, reached: true }],
    ['a compressed message', answer(frame('a', 1)), { code: 13, details: /plain/, reached: true }],
    ['too much', answer(frame('x'.repeat(bytesMax + 1))), { code: 8, details: /larger than 100000/, reached: true }],
    ['a reset', (stream) => stream.close(2), { code: 13, details: /./, reached: false }],
    ['a refused stream', (stream) => stream.close(7), { code: 14, details: /./, reached: false }],
    [
      'an end without a status',
      (stream) => {
        stream.respond(okHeaders)
        stream.end(frame('a'))
      },
      { code: 14, details: /without a status/, reached: true },
    ],
    ['a connection that ends', (stream) => stream.session!.destroy(), { code: 14, details: /./, reached: false }],
    [
      'a connection that ends within an answer',
      (stream) => {
        stream.respond(okHeaders)
        stream.write(frame('half'), () => stream.session!.socket.resetAndDestroy())
      },
      { code: 14, details: /./, reached: false },
    ],
  ])('%s', async (_name, how, { code, details, reached }) => {
    answering = how
    const failure = await call().then(String, (error: unknown) => error)
    expect(failure).toMatchObject({ code, reached })
    expect(failure).toHaveProperty('details', typeof details === 'string' ? details : expect.stringMatching(details))
    answering = answer(frame('well'))
    expect(String(await call())).toBe('well')
  })

  it('a deadline ends the call here and there', async () => {
    let ended: Promise<unknown> = Promise.resolve()
    answering = (stream) => {
      ended = once(stream, 'close')
    }
    expect(await call('late', inMs(30)).catch((error) => error)).toMatchObject({ code: status.DEADLINE_EXCEEDED, reached: false })
    await ended
    expect(await call('too late', inMs(-1)).catch((error) => error)).toMatchObject({ code: status.DEADLINE_EXCEEDED })
  })

  it('where nobody listens it is UNAVAILABLE, and well again once somebody does', async () => {
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    expect(await call().catch((error) => error)).toMatchObject({ code: status.UNAVAILABLE, reached: false })
    answering = answer(frame('back'))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    expect(String(await call())).toBe('back')
  })

  it('renewed amid many calls, it refuses none of them', async () => {
    answering = (stream, body, headers) => answer(frame(body.subarray(5).toString()))(stream, body, headers)
    const texts = Array.from({ length: 300 }, (_, i) => `${i} ${'x'.repeat(20_000)}`)
    const answers = texts.map((text, i) => {
      if (i % 50 === 49) calls.renew()
      return call(text)
    })
    expect((await Promise.all(answers)).map(String)).toEqual(texts)
    expect(sessions.length).toBe(7)
    while (sessions.filter((session) => !session.destroyed).length > 1) await new Promise((resolve) => setImmediate(resolve))
  })

  it('renewed, or told to go away, it opens another connection and finishes what is under way on the old one', async () => {
    const waiting: ServerHttp2Stream[] = []
    answering = (stream) => waiting.push(stream)
    const arrived = async (count: number) => {
      while (waiting.length < count) await new Promise((resolve) => setImmediate(resolve))
    }
    const first = call('first')
    await arrived(1)
    calls.renew()
    const second = call('second')
    await arrived(2)
    sessions[1]!.goaway()
    // Until the client has heard of it, calls still go out by the old one, and are answered there or refused.
    while (sessions.length < 3) {
      void call('third').catch(() => {})
      await new Promise((resolve) => setImmediate(resolve))
    }
    for (const [at, stream] of waiting.entries()) answer(frame(`answer ${at}`))(stream, Buffer.alloc(0), {})
    expect(String(await first)).toBe('answer 0')
    expect(String(await second)).toBe('answer 1')
  })
})
