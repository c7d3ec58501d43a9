import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { defineTopology } from '../../runtime/define-topology.ts'
import { type StoredTime, TaskTime, timeFamily } from '../../runtime/task-time.ts'

const ignore = map((batch) => ({ ...(batch as object), records: [] }) as never)
const graph = defineTopology<object>('timed', ({ source, merge }) => {
  const decisions = source('decisions', { timeOf: (decision) => decision.timeMs, latenessMs: 10 }).step('d', ignore)
  const events = source('user-events', { timeOf: (event) => event.timeMs, latenessMs: 100 }).step('e', ignore)
  const items = source('items').step('i', ignore)
  merge('all', decisions, events, items).sink('lists' as never)
}).graph({})

function timeOf(stored?: StoredTime) {
  const time = new TaskTime(graph, stored)
  const see = (topic: string, timeMs: number, loggedMs = timeMs) => time.observe(topic, { timeMs }, loggedMs)
  return { time, see }
}

const minus = Number.NEGATIVE_INFINITY

describe('TaskTime', () => {
  it('is the smallest watermark of the timed inputs, and nothing before all of them spoke', () => {
    const { time, see } = timeOf()
    expect([time.topics, time.watermarkMs()]).toEqual([['decisions', 'user-events'], minus])
    see('decisions', 1_000)
    expect([time.watermarkMs(), time.topicWatermarkMs('decisions'), time.topicWatermarkMs('user-events')]).toEqual([
      minus,
      990,
      minus,
    ])
    see('user-events', 2_000)
    expect(time.watermarkMs()).toBe(990)
    see('decisions', 5_000)
    expect(time.watermarkMs()).toBe(1_900)
  })

  it('never goes back, and inputs without time say nothing', () => {
    const { time, see } = timeOf()
    for (const topic of ['decisions', 'user-events', 'items']) see(topic, 1_000)
    see('user-events', 10)
    see('items', 9e9)
    expect(time.watermarkMs()).toBe(900)
    expect(Object.keys(time.stored().newestMs)).toEqual(['decisions', 'user-events'])
  })

  it('does not believe a time more than five minutes ahead of the log, nor one that is no number', () => {
    const { time, see } = timeOf()
    see('decisions', 300_001, 0)
    see('decisions', Number.NaN, 0)
    see('decisions', Number.POSITIVE_INFINITY, 0)
    expect(time.topicWatermarkMs('decisions')).toBe(minus)
    see('decisions', 300_000, 0)
    expect(time.topicWatermarkMs('decisions')).toBe(299_990)
  })

  it('an idle input is marked up to the others; the mark gives way to records, and holds no record for late', () => {
    const { time, see } = timeOf()
    expect(time.markIdle(new Set(['decisions', 'user-events']))).toBe(false)
    see('decisions', 1_000)
    expect(time.markIdle(new Set(['user-events']))).toBe(true)
    expect([time.watermarkMs(), time.topicWatermarkMs('user-events')]).toEqual([990, minus])
    expect(time.markIdle(new Set(['user-events']))).toBe(false) // It moves nothing more.
    see('decisions', 2_000)
    see('user-events', 500)
    expect(time.watermarkMs()).toBe(990) // The mark is ahead of the record.
    see('user-events', 5_000)
    expect(time.watermarkMs()).toBe(1_990)
    expect(time.markIdle(new Set(['decisions', 'user-events']))).toBe(false) // Nobody left who knows the time.
  })

  it('goes on from what was stored, marks and all', () => {
    const { time, see } = timeOf()
    see('decisions', 1_000)
    time.markIdle(new Set(['user-events']))
    time.reach(time.watermarkMs())
    time.reach(5)
    const stored = timeFamily.codec.decode(timeFamily.codec.encode(time.stored()))
    expect(stored).toEqual({ newestMs: { decisions: 1_000 }, marksMs: { 'user-events': 990 }, reachedMs: 990 })
    const again = timeOf(stored)
    expect(again.time.watermarkMs()).toBe(990)
    expect(again.time.stored()).toEqual(stored)
    const other = timeOf()
    other.see('decisions', 3_000)
    other.time.adoptMarks({ 'user-events': 990 })
    other.time.adoptMarks({ 'user-events': 5 })
    expect(other.time.watermarkMs()).toBe(990)
    expect(timeOf().time.stored().reachedMs).toBeNull()
  })

  it('is the same bytes whichever input spoke first', () => {
    const [one, other] = [timeOf(), timeOf()]
    one.see('decisions', 1)
    one.see('user-events', 2)
    other.see('user-events', 2)
    other.see('decisions', 1)
    expect(timeFamily.codec.encode(one.time.stored())).toEqual(timeFamily.codec.encode(other.time.stored()))
  })
})
