import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePort } from '../../cli/services/free-port.ts'
import { startKafka } from '../../cli/services/kafka-service.ts'
import type { Service } from '../../cli/services/service.ts'
import { artifactsDir } from '../../cli/services/services.ts'
import type { Logger } from '../../ports/logger.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { CountingHandler, newTopic, numbered, openKafka, StoredPositions } from './kafka-fixture.ts'
import { describeWithService } from './require-service.ts'

/** Keeps the warnings: an operator must be able to see that a process waits for Kafka. */
class WarningLogger implements Logger {
  readonly warnings: string[] = []
  debug(): void {}
  info(): void {}
  warn(_fields: object, message: string): void {
    this.warnings.push(message)
  }
  error(): void {}
  child(): Logger {
    return this
  }
}

describeWithService('kafka', 'a Kafka broker of its own that goes away', () => {
  let dir: string
  let port: number
  let broker: Service
  const start = () => startKafka({ dir, port, cacheDir: artifactsDir(), detached: false, log: () => {} })
  const kill = async () => {
    process.kill(broker.processes[0]!.pid, 'SIGKILL')
    await broker.processes[0]!.stop()
  }

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-bounce-'))
    port = await freePort(0, 'kafka')
    broker = await start()
  })
  afterAll(async () => {
    await Promise.all(broker.processes.map((process) => process.stop()))
    await rm(dir, { recursive: true, force: true })
  })

  it('is waited for: sends fail within their bound, then everything goes on by itself and nothing is lost', async () => {
    const logger = new WarningLogger()
    const log = openKafka(`127.0.0.1:${port}`, { logger, retriesMax: 2 })
    const topic = await newTopic(log, 2)
    const handler = new CountingHandler([topic], new StoredPositions())
    const followed: string[] = []
    const group = `test-${randomUUID()}`
    const member = await log.join({ group, topics: [topic], handler })
    const follower = await log.follow({
      name: 'table',
      topics: [topic],
      batch: ({ records }) => followed.push(...records.map(({ value }) => Buffer.from(value!).toString())),
      failed: (error) => handler.failed(error),
    })
    await log.send(numbered(topic, 2, 0, 1_000))
    await waitUntil('both read the first thousand', () => handler.values.length === 1_000 && followed.length === 1_000)

    await kill()
    const sending = log.send(numbered(topic, 2, 1_000, 1_010))
    await expect(sending).rejects.toMatchObject({ code: 'MILL_LOG_UNAVAILABLE', reaction: 'retry' })
    await expect(log.offsets(topic)).rejects.toMatchObject({ code: 'MILL_LOG_UNAVAILABLE' })
    await waitUntil('the log says that it waits', () =>
      logger.warnings.some((line) => line.startsWith('waiting for Kafka: a fetch')),
    )

    broker = await start()
    // What an engine does with reaction `retry`: the same call again, until it is taken.
    const sendUntilTaken = async (from: number, to: number) => {
      await waitUntil('the records are taken', async () => {
        try {
          await log.send(numbered(topic, 2, from, to))
          return true
        } catch (error) {
          expect(error).toMatchObject({ code: 'MILL_LOG_UNAVAILABLE' })
          return false
        }
      })
    }
    await sendUntilTaken(1_000, 2_000)
    const all = new Set(Array.from({ length: 2_000 }, (_, n) => String(n)))
    const missing = (values: readonly string[]) => all.difference(new Set(values)).size
    await waitUntil('the member has all', () => missing(handler.values) === 0, 60_000)
    await waitUntil('the follower has all', () => missing(followed) === 0, 60_000)
    // The failed send may have been taken or not; nothing else came twice.
    expect(handler.values.length).toBeLessThanOrEqual(2_010)
    expect(handler.faults).toEqual([])
    expect(handler.errors).toEqual([])

    // The membership lives too: once the group has taken us back, commits arrive again.
    const { end } = (await log.offsets(topic))[0]!
    await waitUntil(
      'a commit is stored',
      async () => {
        await member.commit(0, { [topic]: end })
        return (await log.committed(group, [topic]))[topic]![0] === end
      },
      60_000,
    )
    await follower.stop()
    await member.stop()
    await log.close()
  })

  it('is given up at join and at open within a bound', async () => {
    const silent = openKafka(`127.0.0.1:${await freePort(0, 'nothing')}`, { retriesMax: 1 })
    await expect(silent.ensureTopics([{ name: 'any', partitions: 1, cleanup: 'delete' }])).rejects.toMatchObject({
      code: 'MILL_LOG_UNAVAILABLE',
    })
    const handler = new CountingHandler(['any'], new StoredPositions())
    await expect(silent.join({ group: 'any', topics: ['any'], handler })).rejects.toMatchObject({ code: 'MILL_LOG_UNAVAILABLE' })
    await silent.close()
  })
})
