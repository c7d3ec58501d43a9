import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type RankedItems, SessionIndex } from '../algorithms/session-index.ts'
import type { BenchOptions } from './bench-options.ts'
import { BenchSkipped } from './bench-skipped.ts'
import { type Figure, figureOf, quantile } from './figure.ts'

export const description = 'neighbours and scores per event on the Serenade toy set, the index updated per event'

interface Click {
  readonly session: number
  readonly item: number
  readonly timeMs: number
}

/** Sessions a query looks at, and items one of them may have: what the bare walk reads. */
const sessionsRead = 500
const itemsRead = 15
const itemsMax = 30_000

/**
 * Feeds the training clicks, then measures event by event over the last of them and all validation and test clicks: the index takes
 * the click, then finds neighbours and scores for the session that it belongs to, by both methods. Options: `--measured` (20,000)
 * training clicks that are measured, `--data` the folder of the data set.
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const folder = options.text('data', join(import.meta.dirname, '..', '..', 'shared', 'data', 'serenade-toy'))
  const measured = options.number('measured', 20_000)
  if (!existsSync(folder)) throw new BenchSkipped(`needs the data set serenade-toy, which is not at ${folder}`)
  const clicks = ['train', 'valid', 'test'].flatMap((part) => clicksOf(join(folder, `${part}.tsv.gz`)))
  clicks.sort((a, b) => a.timeMs - b.timeMs)

  // One index per method: the second update of the same click would be cheaper.
  const [index, other] = [0, 1].map(() => new SessionIndex({ sessionsMax: 25_000, itemsMax })) as [SessionIndex, SessionIndex]
  const running = new Map<number, number[]>()
  const walk = bareWalk()
  const times = { vmis: [] as number[], sequence: [] as number[], walk: [] as number[] }
  let found = 0
  const timed = (into: number[], work: () => RankedItems | null): void => {
    const fromMs = performance.now()
    const ranked = work()
    into.push((performance.now() - fromMs) * 1000)
    found += ranked?.count ?? 0
  }
  for (const [at, { session, item, timeMs }] of clicks.entries()) {
    const items = running.get(session) ?? []
    items.push(item)
    running.set(session, items)
    // The last clicks are measured, and as many before them warm the code up.
    if (at < clicks.length - 2 * measured) {
      index.add(session, item, timeMs)
      other.add(session, item, timeMs)
      continue
    }
    if (at === clicks.length - measured) for (const one of Object.values(times)) one.length = 0
    const current = Int32Array.from(items)
    timed(times.vmis, () => {
      index.add(session, item, timeMs)
      return index.recommend(current)
    })
    timed(times.sequence, () => {
      other.add(session, item, timeMs)
      return other.recommendInSequence(current, timeMs)
    })
    timed(times.walk, walk)
  }
  if (found === 0) throw new Error('no query found anything: the data set is not what it was')
  const figures = (name: 'vmis' | 'sequence') => [
    figureOf({
      name: `${name}-p50`,
      kind: 'latency',
      value: quantile(times[name], 0.5),
      unit: 'us',
      ceiling: quantile(times.walk, 0.5),
    }),
    figureOf({
      name: `${name}-p99`,
      kind: 'latency',
      value: quantile(times[name], 0.99),
      unit: 'us',
      // The walk is the same work each time: its tail is the machine's, its median the ceiling.
      ceiling: quantile(times.walk, 0.5),
      goal: 'value <= 100',
    }),
  ]
  return [...figures('vmis'), ...figures('sequence')]
}

function clicksOf(file: string): Click[] {
  const lines = gunzipSync(readFileSync(file)).toString().trim().split('\n').slice(1)
  return lines.map((line) => {
    const [session, item, time] = line.split('\t')
    return { session: Number(session), item: Number(item), timeMs: Number(time) * 1000 }
  })
}

/** The ceiling: reading as many list entries and items as a full query looks at, in an order the processor cannot guess. */
function bareWalk(): () => null {
  const next = new Int32Array(1 << 18)
  for (let at = 0; at < next.length; at++) next[at] = (at * 40_503 + 12_345) & (next.length - 1)
  const votes = new Float64Array(itemsMax)
  let at = 1
  return () => {
    for (let n = 0; n < sessionsRead; n++) at = next[at]!
    for (let n = 0; n < 50 * itemsRead; n++) votes[next[(at + n) & (next.length - 1)]! % itemsMax]! += 1
    return null
  }
}
