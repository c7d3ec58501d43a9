import { isDeepStrictEqual } from 'node:util'
import type { TopicName } from '../../schemas/topics.ts'
import { unpacked } from '../topologies/item-signal-logs.ts'
import { downstreamFaults } from './downstream.ts'
import type { Output, Scenario } from './scenarios.ts'
import type { Remains } from './simulation.ts'

/** Topics whose every record counts, those of replaced owners too. */
const additive: ReadonlySet<TopicName> = new Set([
  'item-signals',
  'session-steps',
  'rewards',
  'experiment-deltas',
  'dead-letters',
  'late-records',
])

/**
 * What is wrong with what a disturbed run left, by architecture.md section 3: state equals the fold of the log, additive outputs
 * without repeats equal the undisturbed run's, replacing outputs and lists end at the same value per key, and who reads the
 * additive outputs with their repeats comes to the same state.
 */
export async function faultsOf(scenario: Scenario, remains: Remains): Promise<string[]> {
  const faults = [...remains.broken]
  for (let partition = 0; partition < scenario.partitions; partition++) {
    const positions = remains.store.positions(partition)
    for (const [topic, logs] of scenario.inputs)
      if ((positions[topic] ?? 0) !== logs[partition]!.length)
        faults.push(`partition ${partition} stands at ${positions[topic]} of ${topic}, which ends at ${logs[partition]!.length}`)
    const calm = scenario.calm.state[partition]!
    const stored = remains.store.values(partition)
    for (const key of new Set([...calm.keys(), ...stored.keys()]))
      if (!sameBytes(calm.get(key), stored.get(key)))
        faults.push(`state ${key} of partition ${partition} is not the fold of the log`)
  }
  for (const topic of scenario.sinks) {
    const sent = sentTo(topic, scenario, remains)
    const wanted = essenceOf(topic, scenario.calm.outputs.get(topic) ?? [])
    const found = essenceOf(topic, sent)
    for (const name of new Set([...wanted.keys(), ...found.keys()]))
      if (!isDeepStrictEqual(wanted.get(name), found.get(name)))
        faults.push(`${topic} ${name}: ${JSON.stringify(found.get(name))} instead of ${JSON.stringify(wanted.get(name))}`)
  }
  faults.push(...listFaults(scenario, remains))
  faults.push(...(await downstreamFaults(scenario, (topic) => sentTo(topic, scenario, remains))))
  return faults
}

/** What counts of a topic, decoded: a replaced owner's late values may follow newer ones, and repeats of rows are dropped by readers. */
function sentTo(topic: TopicName, { wire }: Scenario, remains: Remains): Output[] {
  const records = remains.log.records(topic).filter(({ stale }) => additive.has(topic) || !stale)
  return records.map(({ key, partition, value }) => {
    return { key: key ?? '', partition, value: value === null ? null : wire.decode(topic, value) }
  })
}

function listFaults(scenario: Scenario, remains: Remains): string[] {
  const stored = remains.lists.contents()
  const faults: string[] = []
  for (const [key, value] of scenario.calm.lists) {
    const { version: _version, ...wanted } = value as { version: unknown; watermarkMs?: number }
    const found = stored.get(key)
    if (scenario.name === 'recommendations') {
      if ('watermarkMs' in wanted && JSON.parse(found ?? '{}').watermarkMs !== wanted.watermarkMs)
        faults.push(`list ${key} is not of the newest update: ${found?.slice(0, 200)}`)
    } else if (found !== JSON.stringify(wanted)) faults.push(`list ${key}: ${found} instead of ${JSON.stringify(wanted)}`)
  }
  if (scenario.name === 'recommendations') return faults
  for (const key of stored.keys()) if (!scenario.calm.lists.has(key)) faults.push(`list ${key} should not be there`)
  return faults
}

/** What an output says once repeats are dropped: by source for additive topics, by key for replacing ones. */
export function essenceOf(topic: TopicName, outputs: readonly Output[]): Map<string, unknown> {
  switch (topic) {
    case 'item-signals':
    case 'session-steps':
      return rowsOf(outputs)
    case 'rewards':
    case 'experiment-deltas':
      return sequencesOf(outputs)
    case 'dead-letters':
    case 'late-records':
      return new Map(outputs.map(({ key, value }) => [key, value.id]))
    case 'feature-updates':
      // What moved them, and by which batch, depends on the cut.
      return new Map(outputs.map(({ key, value }) => [key, { features: value.features, eventTimeMs: value.eventTimeMs }]))
    case 'recommendations':
      // Which rung answers, with which scores, is the workers' affair; whom and what it answers is not.
      return new Map(outputs.map(({ key, value }) => [key, value.watermarkMs]))
    default:
      return new Map(outputs.map(({ key, value }) => [key, value]))
  }
}

/** Rows of packed records by target and source, each offset once, as a reader counts them. */
function rowsOf(outputs: readonly Output[]): Map<string, unknown> {
  const rows = new Map<string, unknown[]>()
  const positions = new Map<string, number>()
  for (const { partition, value } of outputs) {
    const name = `${partition} from ${value.sourcePartition}`
    const position = positions.get(name) ?? 0
    const own = rows.get(name) ?? []
    rows.set(name, own)
    const texts = (at: number | undefined) => (at === undefined || at < 0 ? null : value.strings[at])
    const told = 'rowCounts' in value ? unpacked(value) : value.offsets.map((offset: number, row: number) => ({ offset, row }))
    for (const { offset, row, timeMs = value.timesMs[row], person } of told) {
      if (offset < position) continue
      const names = [value.keys, value.others, value.sessions, value.items].map((column) => texts(column?.[row]))
      own.push([offset, ...names, value.kinds?.[row], timeMs, value.weights?.[row], person])
    }
    if (told.length > 0) positions.set(name, Math.max(position, told.at(-1).offset + 1))
  }
  for (const [name, own] of rows) if (own.length === 0) rows.delete(name)
  return rows
}

/** Numbered rows by source, each running number once. */
function sequencesOf(outputs: readonly Output[]): Map<string, unknown> {
  const rows = new Map<string, unknown[]>()
  const next = new Map<string, number>()
  for (const { partition, value } of outputs) {
    // Rows of one source go to several partitions: a reader of one of them sees gaps.
    const name = `${partition} from ${value.sourcePartition}`
    if (value.sequence < (next.get(name) ?? 0)) continue
    next.set(name, value.sequence + 1)
    rows.set(name, [...(rows.get(name) ?? []), value])
  }
  return rows
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && Buffer.compare(a, b) === 0)
}
