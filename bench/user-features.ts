import { parseArgs } from 'node:util'
import { TopologyDriver } from '../runtime/topology-driver.ts'
import { userEventSchema } from '../schemas/user-event.ts'
import { recordShop } from '../simulator/record-shop.ts'
import { userFeatures } from '../topologies/user-features.ts'

// user-features over recorded events, all outputs on, log and store in memory: what the engine itself costs. Beside it, the
// ceiling of the same run: decoding the same events and encoding them again, with nothing in between.

const { values } = parseArgs({
  options: { events: { type: 'string', default: '50000' }, json: { type: 'boolean', default: false } },
})
const events = Number(values.events)
const batchRecords = 2_000

const records = [...recordShop({ seed: 'bench', events })].flatMap((record) =>
  record.topic === 'user-events' && record.value ? [record.value] : [],
)
const driver = new TopologyDriver(userFeatures, { features: { latenessMs: 600_000 } })
driver.clock.advance(Math.max(0, records.at(-1)!.timeMs - driver.clock.nowMs()))

const encoded = records.map((event) => userEventSchema.encode(event))
const ceilingMs = timed(() => {
  for (const bytes of encoded) userEventSchema.encode(userEventSchema.decode(bytes))
})
const startMs = performance.now()
for (let at = 0; at < records.length; at += batchRecords) {
  await driver.send('user-events', ...records.slice(at, at + batchRecords))
  for (const topic of ['feature-updates', 'item-signals', 'session-steps'] as const) driver.read(topic)
}
const foldMs = performance.now() - startMs

const value = Math.round((events / foldMs) * 1000)
const ceiling = Math.round((events / ceilingMs) * 1000)
const figure = { name: 'user-features', value, unit: 'events/s', ceiling, ratio: value / ceiling, goal: null }
if (values.json) console.log(JSON.stringify({ bench: 'user-features', machine: process.arch, figures: [figure] }))
else console.log(`user-features ${value} events/s; decode and encode alone ${ceiling} events/s: ${figure.ratio.toFixed(3)} of it`)

function timed(work: () => void): number {
  const fromMs = performance.now()
  work()
  return performance.now() - fromMs
}
