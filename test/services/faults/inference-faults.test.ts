import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../cli/config.ts'
import { readDeadLetters } from '../../../cli/dead-letter-log.ts'
import { projectFolder } from '../../cli/run-cli.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import type { EngineProcess } from '../../e2e/engine-process.ts'
import { WorkerProcess } from '../../gpu-workers/worker-process.ts'
import { TcpProxy } from '../tcp-proxy.ts'
import { FaultRig } from './fault-rig.ts'
import { FaultyWorker, type WorkerFault } from './faulty-worker.ts'
import { MadeRungs } from './made-rungs.ts'
import { staleLists } from './stale-lists.ts'

const deadlineMs = 3_000
/** The pace of the source: at full speed the worker of this process would be starved by its own test. */
const feedEveryMs = 100
const topologies = ['user-features', 'recommendations']

describe('faults of an inference worker', { timeout: 300_000 }, () => {
  const rig = new FaultRig()
  let worker: WorkerProcess
  let faulty: FaultyWorker
  let proxy: TcpProxy
  let engine: EngineProcess

  const startWorker = async (port: number) => {
    worker = await WorkerProcess.start(join(projectFolder, 'models', 'repository'), port)
    const { child } = worker
    rig.closing(() => child.kill('SIGKILL'))
  }
  /** Feeds until something holds; answers every rung that lists made meanwhile have. */
  const feedUntil = async (what: string, holds: (made: MadeRungs) => boolean | Promise<boolean>): Promise<Set<string>> => {
    const made = await MadeRungs.from(rig.stack)
    const fed = async () => {
      await rig.feed(8)
      await rig.stack.untilCaughtUp(30_000, topologies)
      await new Promise((resolve) => setTimeout(resolve, feedEveryMs))
      return holds(made)
    }
    await waitUntil(what, fed, 90_000).catch((cause) => {
      throw new Error(`lists were ${[...made.seen]}; the engine says\n${engine.output.slice(-4_000)}`, { cause })
    })
    await made.has('any')
    return made.seen
  }
  const untilRung = (rung: string) => feedUntil(`a list of rung ${rung}`, (made) => made.has(rung))
  const recovered = async (since: string) => {
    const startMs = performance.now()
    await untilRung('ranker')
    console.info(`${since}: the full rung again ${Math.round(performance.now() - startMs)} ms after its end`)
  }

  beforeAll(async () => {
    await startWorker(0)
    faulty = await FaultyWorker.before(worker.ready.address, deadlineMs * 2)
    rig.closing(() => faulty.close())
    proxy = new TcpProxy(worker.ready.port)
    rig.closing(() => proxy.close())
    const config = loadConfig(undefined, {
      partitions: 2,
      embedded: { path: join(rig.folder, 'test.db') },
      inference: { workers: [`127.0.0.1:${await proxy.listen()}`], deadlineMs },
      // Few rows, so that a busy machine answers within the deadline when nothing is broken.
      recommendations: { shedAfterMs: 60_000, candidatesMax: 20 },
      rewards: { waitMs: 60_000 },
      log: { level: 'info' },
    })
    await rig.open(config, 12_000)
    engine = await rig.startEngine()
    await untilRung('ranker')
  })
  afterAll(() => rig.close())

  it('killed: lists come from the rung below; started again, from the ranker', async () => {
    const { port } = worker.ready
    worker.child.kill('SIGKILL')
    await worker.exited
    rig.fault('worker killed -9')
    expect(await untilRung('linear')).not.toContain('session')
    await startWorker(port)
    await recovered('worker killed')
  })

  it('hung, it accepts and never answers: a list waits for its deadline at most, then the worker is left out', async () => {
    process.kill(worker.child.pid!, 'SIGSTOP')
    rig.fault('worker hung')
    try {
      expect(await untilRung('linear')).not.toContain('session')
    } finally {
      process.kill(worker.child.pid!, 'SIGCONT')
    }
    await recovered('worker hung')
  })

  it.each<WorkerFault>(['late', 'half of the rows', 'not a number', 'cut tensor', 'other names', 'no message'])(
    'answers spoilt (%s): they are not used, and the list says so',
    async (fault) => {
      if (proxy.port !== faulty.port) {
        proxy.port = faulty.port
        proxy.cut()
        await untilRung('ranker')
      }
      faulty.fault = fault
      rig.fault(`answers spoilt: ${fault}`)
      // Answers under way were still sound; after the first spoilt one none is.
      const before = faulty.spoilt
      await feedUntil('an answer is spoilt', () => faulty.spoilt > before)
      const again = async (made: MadeRungs) => (await made.has('linear')) && faulty.spoilt > before + 1
      const rungs = await feedUntil('another answer is spoilt', again)
      expect(rungs).not.toContain('ranker')
      expect(rungs).not.toContain('session')
      faulty.fault = 'none'
      await recovered(`answers spoilt (${fault})`)
    },
  )

  it('in the end nothing was lost: every newest list is served, nothing is a dead letter, zero differences', async () => {
    await rig.feed(500)
    await rig.stack.untilCaughtUp(60_000, [...topologies, 'item-features', 'rewards', 'bandit', 'experiments', 'attribution'])
    expect(await staleLists(rig.stack)).toEqual([])
    expect(await readDeadLetters(rig.stack.ports, {})).toEqual([])
    expect((await engine.status()).topologies.filter(({ state }) => state !== 'running')).toEqual([])
    expect(await engine.stop(), engine.output).toBe(0)
    await rig.verified('inference faults')
  })
})
