import { MillraceError } from '../core/errors.ts'
import type { EventLog } from '../ports/event-log.ts'
import type { StateStore } from '../ports/state-store.ts'
import { changeLayout, refuseMove } from './state-layout.ts'

/** A topology about to run. */
export interface Claimant {
  readonly name: string
  /** Topics it reads as a stream. */
  readonly topics: readonly string[]
}

/**
 * Notes in the store which partition count the state of each topology belongs to, and refuses another one: a key would be looked
 * for in a task that does not have it. A topology that holds nothing takes any count. Errors: `MILL_PARTITIONS_CHANGED`.
 */
export async function claimPartitions(
  ports: { readonly log: Pick<EventLog, 'partitions'>; readonly state: StateStore },
  claimants: readonly Claimant[],
  partitions: number,
): Promise<void> {
  const found = new Map<string, number>()
  for (const topic of new Set(claimants.flatMap(({ topics }) => topics))) found.set(topic, await ports.log.partitions(topic))
  const empty = new Set<string>()
  for (const { name } of claimants) if (!(await holdsAnything(ports.state, name))) empty.add(name)
  await changeLayout(ports.state, (layout) => {
    refuseMove(layout)
    const counts = { ...layout.counts }
    for (const { name, topics } of claimants) {
      const stored = empty.has(name) ? partitions : (counts[name] ?? partitions)
      for (const topic of topics) {
        const count = found.get(topic)!
        if (count === 0 || count === stored) continue
        throw empty.has(name)
          ? otherCount(topic, count, partitions)
          : countChanged(name, stored, `topic ${topic} has ${count}`, count)
      }
      if (stored !== partitions) throw countChanged(name, stored, `the configuration says ${partitions}`, partitions)
      counts[name] = partitions
    }
    const same = claimants.every(({ name }) => layout.counts[name] === partitions)
    return same ? layout : { ...layout, counts }
  })
}

/** Whether a topology has applied anything that it still remembers. */
async function holdsAnything(state: StateStore, topology: string): Promise<boolean> {
  for (const partition of await state.tasks(topology)) {
    const progress = await state.progress({ topology, partition })
    if (progress && Object.keys(progress.positions).length > 0) return true
  }
  return false
}

function otherCount(topic: string, found: number, wanted: number): MillraceError {
  return new MillraceError(
    'MILL_PARTITIONS_CHANGED',
    `topic ${topic} has ${found} partitions, the configuration says ${wanted}: set "partitions" to ${found}`,
    { details: { topic, found, wanted } },
  )
}

function countChanged(topology: string, stored: number, found: string, wanted: number): MillraceError {
  const move =
    wanted > stored && wanted % stored === 0
      ? `, or move the state: "millrace repartition --partitions ${wanted}" shows what would move`
      : ''
  return new MillraceError(
    'MILL_PARTITIONS_CHANGED',
    `the state of ${topology} belongs to ${stored} partitions, but ${found}: set "partitions" and the topics to one count${move}`,
    { details: { topology, stored, found: wanted } },
  )
}
