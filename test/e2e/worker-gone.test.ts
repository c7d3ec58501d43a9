import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { readDeadLetters } from '../../cli/dead-letter-log.ts'
import { readTopic } from '../../cli/read-topic.ts'
import { projectFolder } from '../cli/run-cli.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { WorkerProcess } from '../gpu-workers/worker-process.ts'
import { EngineProcess } from './engine-process.ts'
import { recordedShop, Stack } from './stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-worker-'))
const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing.reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

it('a worker killed lowers the rung, never stops the stream; started again, the rung rises', { timeout: 120_000 }, async () => {
  const repository = join(projectFolder, 'models', 'repository')
  const startWorker = async (port: number) => {
    const worker = await WorkerProcess.start(repository, port)
    closing.push(async () => worker.child.kill('SIGKILL'))
    return worker
  }
  const worker = await startWorker(0)
  const stack = await Stack.open(
    loadConfig(undefined, {
      partitions: 2,
      embedded: { path: join(folder, 'test.db') },
      inference: { workers: [worker.ready.address], deadlineMs: 5_000 },
      recommendations: { shedAfterMs: 60_000 },
    }),
  )
  closing.push(() => stack.close())
  const engine = new EngineProcess(stack.config, folder)
  closing.push(() => engine.kill())
  await engine.ready()
  const left = recordedShop({ events: 8_000, users: 100 }).map((record) => stack.encoded(record))

  /** Feeds until a list of that rung was made from now on; answers every rung seen on the way. */
  const untilRung = async (rung: string) => {
    const seen = new Set<string>()
    const before = await newest(stack)
    await waitUntil(
      `a list of rung ${rung}`,
      async () => {
        await stack.append(left.splice(0, 100))
        await stack.untilCaughtUp(30_000, ['user-features', 'recommendations'])
        for (const each of await rungsAfter(stack, before)) seen.add(each)
        return seen.has(rung)
      },
      40_000,
    )
    return seen
  }

  await untilRung('ranker')
  worker.child.kill('SIGKILL')
  await worker.exited
  expect(await untilRung('linear')).not.toContain('session')
  await startWorker(worker.ready.port)
  await untilRung('ranker')
  expect(await readDeadLetters(stack.ports, {})).toEqual([])
  expect((await engine.status()).topologies.filter(({ state }) => state !== 'running')).toEqual([])
  expect(await engine.stop(), engine.output).toBe(0)
  expect((await stack.verify('user-features')).wrong).toEqual([])
})

/** Ends of the partitions of `recommendations`. */
async function newest(stack: Stack): Promise<readonly number[]> {
  return (await stack.ports.log.offsets('recommendations')).map(({ end }) => end)
}

async function rungsAfter(stack: Stack, from: readonly number[]): Promise<string[]> {
  const rungs: string[] = []
  for await (const { value, partition, offset } of readTopic(stack.ports, 'recommendations'))
    if (value && offset >= from[partition]!) rungs.push(value.rung)
  return rungs
}
