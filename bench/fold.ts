import { TopologyDriver } from '../runtime/topology-driver.ts'
import { userEventSchema } from '../schemas/user-event.ts'
import { recordShop } from '../simulator/record-shop.ts'
import { userFeatures } from '../topologies/user-features.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf } from './figure.ts'

export const description = 'user-features on a log and store in memory, against decoding and encoding the same events'

const batchRecords = 2_000

/** Folds recorded events with all outputs on: what the engine itself costs. Option: `--events` (50,000). */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const events = options.number('events', 50_000)
  const records = [...recordShop({ seed: 'bench', events })].flatMap((record) =>
    record.topic === 'user-events' && record.value ? [record.value] : [],
  )
  const driver = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } })
  driver.clock.advance(Math.max(0, records.at(-1)!.timeMs - driver.clock.nowMs()))
  const encoded = records.map((event) => userEventSchema.encode(event))

  let ceilingMs = 0
  let foldMs = 0
  for (let at = 0; at < records.length; at += batchRecords) {
    const ceilingFromMs = performance.now()
    for (const bytes of encoded.slice(at, at + batchRecords)) userEventSchema.encode(userEventSchema.decode(bytes))
    const fromMs = performance.now()
    await driver.send('user-events', ...records.slice(at, at + batchRecords))
    for (const topic of ['feature-updates', 'item-signals', 'session-steps'] as const) driver.read(topic)
    foldMs += performance.now() - fromMs
    ceilingMs += fromMs - ceilingFromMs
  }
  const perSecond = (ms: number) => (records.length / ms) * 1000
  return [
    figureOf({ name: 'fold', kind: 'throughput', value: perSecond(foldMs), unit: 'events/s', ceiling: perSecond(ceilingMs) }),
  ]
}
