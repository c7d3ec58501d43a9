import { afterAll, beforeAll, expect, it } from 'vitest'
import { waitUntil } from '../../conformance/wait-until.ts'
import { describeWithServices } from '../require-service.ts'
import { CommitWatch } from './commit-watch.ts'
import { FaultStage } from './fault-stage.ts'
import { steadyFeed } from './steady-feed.ts'

const partitions = 8
const topologies = ['user-features', 'item-features', 'rewards', 'bandit', 'experiments']
/** Those whose pauses are measured: lists wait for them. */
const watched = topologies.slice(0, 2)
const sessionTimeoutMs = 15_000
/** Goodbyes and heartbeats bring a rebalance about, on a starved machine within seconds; a pause near the session is one that nobody announced. */
const pauseMsMax = sessionTimeoutMs / 3

describeWithServices(['kafka', 'registry', 'redis'], 'processes that come and go under load', ([, registry]) => {
  let stage: FaultStage
  beforeAll(async () => {
    stage = await FaultStage.open({
      name: 'process-rebalance',
      registry: registry!,
      partitions,
      topologies,
      events: 40_000,
      sessionTimeoutMs,
    })
  })
  afterAll(() => stage?.close())

  it('from one process to four to two: each task has one owner, its state is the fold of the log, and its pause is short', async () => {
    const first = await stage.startEngine()
    await stage.untilEachOwnedOnce([first])
    const watch = new CommitWatch(stage.stack, watched)
    const feed = steadyFeed(stage, { records: 20, everyMs: 20 })
    await waitUntil('every partition moves', async () => (await stage.applied()) > 1_000)

    const four = [first, ...(await Promise.all([1, 2, 3].map(() => stage.startEngine())))]
    await stage.untilEachOwnedOnce(four)
    stage.faults += 3
    const joins = watch.takeovers.length
    const mark = await stage.applied()
    await waitUntil('all four work', async () => (await stage.applied()) > mark + 500)

    const [, , third, fourth] = four
    expect(await Promise.all([third!.stop(), fourth!.stop()]), third!.output + fourth!.output).toEqual([0, 0])
    stage.faults += 2
    await stage.untilEachOwnedOnce(four.slice(0, 2))
    const later = await stage.applied()
    await waitUntil('both that stayed work', async () => (await stage.applied()) > later + 500)
    await feed.stop()
    await stage.untilCaughtUp()
    await stage.untilEachOwnedOnce(four.slice(0, 2))
    await watch.stop()

    expect(watch.faults).toEqual([])
    report(
      'joins',
      watch.takeovers.slice(0, joins).map(({ pauseMs }) => pauseMs),
    )
    report(
      'leaves',
      watch.takeovers.slice(joins).map(({ pauseMs }) => pauseMs),
    )
    const all = report(
      `of ${watch.looks} looks, all`,
      watch.takeovers.map(({ pauseMs }) => pauseMs),
    )
    // Six of eight partitions of each topology leave the first, and what the leaving ones had moves again.
    expect(all.count).toBeGreaterThanOrEqual(watched.length * (6 + 4))
    expect(all.max).toBeLessThan(pauseMsMax)
    await refusesOlderEpochs()
    await stage.expectZeroDifferences('three joined, two left')
  })

  /** Whoever had a task before its owner of now can no longer write. */
  async function refusesOlderEpochs(): Promise<void> {
    const { state } = stage.stack.ports
    for (const topology of topologies) {
      for (let partition = 0; partition < partitions; partition++) {
        const task = { topology, partition }
        const { epoch, positions } = (await state.progress(task))!
        const commit = { epoch: epoch - 1, from: positions, to: positions, writes: new Map(), ttlS: 0 }
        expect(await state.commit(task, commit), `${topology}.${partition}`).toEqual({ kind: 'fenced' })
      }
    }
  }
})

/** Prints how long tasks stood still while they moved. */
function report(what: string, pausesMs: readonly number[]): { count: number; median: number; max: number } {
  const sorted = [...pausesMs].sort((a, b) => a - b)
  const [count, median, max] = [sorted.length, sorted[sorted.length >> 1] ?? 0, sorted.at(-1) ?? 0]
  console.info(`pause per moved task, ${what}: ${count} moves, median ${median.toFixed(0)} ms, max ${max.toFixed(0)} ms`)
  return { count, median, max }
}
