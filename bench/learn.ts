import { policyVersion } from '../algorithms/bandits/policy-version.ts'
import { rankerWidth } from '../algorithms/ranker-features.ts'
import { plainExperiment } from '../cli/configured-experiment.ts'
import { ManualClock } from '../core/clock.ts'
import { createRandom } from '../core/random.ts'
import { ExperimentTable } from '../operators/tables/experiment-table.ts'
import { TopologyDriver } from '../runtime/topology-driver.ts'
import { type Decision, decisionSchema } from '../schemas/decision.ts'
import { explorationDefaults } from '../schemas/exploration.ts'
import { rewardSchema } from '../schemas/reward.ts'
import { type UserEvent, userEventSchema } from '../schemas/user-event.ts'
import { recordShop } from '../simulator/record-shop.ts'
import { bandit } from '../topologies/bandit.ts'
import { experiments } from '../topologies/experiments.ts'
import { rewards } from '../topologies/rewards.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf } from './figure.ts'

export const description = 'rewards, bandit and experiments on a log and store in memory, against coding the same records once'

const batchRecords = 1_000
const minuteMs = 60_000
/** Waits of the two ways to update: all a minute, or a minute for clicks and a day for what is bought, told at once and corrected. */
const updates = {
  hold: { waitMs: minuteMs },
  provisional: { waitMs: minuteMs, waits: { purchaseMs: 1_440 * minuteMs } },
} as const
/** The one that the recorded shop assigns. */
const experiment = {
  ...plainExperiment,
  ...{ id: 'a-against-a', layer: 'a-against-a', control: 'a' },
  variants: ['a', 'b'].map((name) => ({ name, weight: 1, policy: null, settings: null })),
}
/** Where the exploring slot stands, and who may fill it. */
const slot = 4
const arms = ['session', 'similar', 'category', 'fresh', 'trend', 'popular', 'content', 'together']
const seen = 8
const epsilon = 0.1
/** Showings per second that the whole engine is asked for (features.md F7.8). */
const wanted = 1_040

/** Joins, learns and counts what a shop shows; rows carry ranker features. Options: `--decisions` (20,000), `--policy` (lin-ucb). */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const decisions = options.number('decisions', 20_000)
  const { policy, version } = policyVersion(options.text('policy', 'lin-ucb'))
  const records = recorded(decisions, { policy: policy.name, version })
  const figures: Figure[] = []
  for (const [update, waits] of Object.entries(updates)) {
    const { perSecond, ceiling } = await learn(records, { ...waits, update: update as keyof typeof updates })
    const goal = `value >= ${wanted}`
    figures.push(figureOf({ name: `learn-${update}`, kind: 'throughput', value: perSecond, unit: 'showings/s', ceiling, goal }))
  }
  return figures
}

type Recorded =
  | { readonly topic: 'decisions'; readonly value: Decision }
  | { readonly topic: 'user-events'; readonly value: UserEvent }

/** What a shop shows and what people do, each list with a slot that a bandit drew. */
function recorded(decisions: number, explorer: { readonly policy: string; readonly version: string }): Recorded[] {
  const random = createRandom('learn')
  const records: Recorded[] = []
  let left = decisions
  for (const { topic, value } of recordShop({ seed: 'learn', events: Number.MAX_SAFE_INTEGER, daypart: false })) {
    if (topic === 'user-events' && value) records.push({ topic, value })
    if (topic !== 'decisions' || !value) continue
    records.push({ topic, value: explored(value, explorer, () => random.next()) })
    if (--left === 0) return records
  }
  return records
}

function explored(
  decision: Decision,
  explorer: { readonly policy: string; readonly version: string },
  draw: () => number,
): Decision {
  const arm = arms[Math.floor(draw() * arms.length)]!
  const features = Buffer.from(Float32Array.from({ length: rankerWidth }, draw).buffer)
  const slots = decision.slots.map((one) =>
    one.position === slot ? { ...one, features, explored: true, source: arm, propensity: 1 / arms.length } : { ...one, features },
  )
  const chances = arms.map(() => 1 / arms.length)
  const context = [1, ...Array.from({ length: seen - 1 }, draw)]
  const exploration = { ...explorationDefaults, ...explorer, slot, arms, chances, context, draws: 0, epsilon }
  return { ...decision, slots, exploration }
}

async function learn(records: readonly Recorded[], update: { readonly update: 'hold' | 'provisional'; readonly waitMs: number }) {
  const clock = new ManualClock(records.at(-1)!.value.timeMs)
  const joining = new TopologyDriver(rewards, { rewards: { latenessMs: 10_000, ...update } }, { clock })
  const learning = new TopologyDriver(bandit, {}, { clock })
  const counting = new TopologyDriver(experiments, { experiments: new ExperimentTable([experiment]) }, { clock })
  let [foldMs, ceilingMs, shown, learned] = [0, 0, 0, 0]
  for (let at = 0; at < records.length; at += batchRecords) {
    const some = records.slice(at, at + batchRecords)
    const lists = some.flatMap((record) => (record.topic === 'decisions' ? [record.value] : []))
    const events = some.flatMap((record) => (record.topic === 'user-events' ? [record.value] : []))
    const fromMs = performance.now()
    await joining.send('decisions', ...lists)
    await joining.send('user-events', ...events)
    const rows = joining.readKeyed('rewards').map(({ key, value }) => ({ key: key ?? '', value }))
    const deltas = joining.readKeyed('experiment-deltas').map(({ key, value }) => ({ key: key ?? '', value }))
    await learning.send('rewards', ...rows)
    await counting.send('experiment-deltas', ...deltas)
    for (const [driver, topic] of [
      [learning, 'bandit-updates'],
      [counting, 'experiment-results'],
    ] as const)
      driver.read(topic)
    const doneMs = performance.now()
    for (const list of lists) decisionSchema.decode(decisionSchema.encode(list))
    for (const event of events) userEventSchema.decode(userEventSchema.encode(event))
    for (const { value } of rows) rewardSchema.decode(rewardSchema.encode(value))
    ceilingMs += performance.now() - doneMs
    foldMs += doneMs - fromMs
    shown += lists.length
    learned += rows.length
  }
  if (learned < shown / 2) throw new Error(`only ${learned} rows came of ${shown} showings: give more --decisions`)
  return { perSecond: (1000 * shown) / foldMs, ceiling: (1000 * shown) / ceilingMs }
}
