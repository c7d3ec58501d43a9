import { isoWeek } from '../algorithms/iso-week.ts'
import { type PersonSegment, personSegments } from '../algorithms/person-segment.ts'
import type { SegmentUpdate } from '../schemas/segment-update.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'

/** What some people brought. */
interface Brought {
  readonly people: number
  readonly buyers: number
  readonly orders: number
  readonly revenue: number
}

export interface SegmentLine extends Brought {
  readonly segment: PersonSegment
}

export interface CohortLine extends Brought {
  /** ISO week (UTC) of the first event, `2026-W47`. */
  readonly week: string
  /** Share who have done nothing for 30 days. */
  readonly gone: number
}

/** What `millrace report segments` tells. */
export interface SegmentReport {
  readonly people: number
  readonly segments: readonly SegmentLine[]
  readonly cohorts: readonly CohortLine[]
}

/** Reads where everybody stands (topic `segment-updates`). Errors: those of the log. */
export async function readSegments(ports: Pick<OpenPorts, 'log' | 'wire'>): Promise<SegmentReport> {
  const people = new Map<string | null, SegmentUpdate>()
  for await (const { key, value } of readTopic(ports, 'segment-updates')) {
    if (value === null) people.delete(key)
    else people.set(key, value)
  }
  return segmentReport([...people.values()])
}

/** Sums people up by segment, and by the ISO week in which they came. */
export function segmentReport(people: readonly SegmentUpdate[]): SegmentReport {
  const cohorts = Map.groupBy(people, ({ firstMs }) => isoWeek(firstMs))
  return {
    people: people.length,
    segments: personSegments.map((segment) => ({ segment, ...broughtBy(people.filter((one) => one.segment === segment)) })),
    cohorts: [...cohorts]
      .map(([week, own]) => ({
        week,
        ...broughtBy(own),
        gone: own.filter(({ segment }) => segment === 'lapsing' || segment === 'lost').length / own.length,
      }))
      .sort((a, b) => (a.week < b.week ? -1 : 1)),
  }
}

function broughtBy(people: readonly SegmentUpdate[]): Brought {
  return {
    people: people.length,
    buyers: people.filter(({ orders }) => orders > 0).length,
    orders: people.reduce((sum, { orders }) => sum + orders, 0),
    revenue: people.reduce((sum, { revenue }) => sum + revenue, 0) / 100,
  }
}
