import { type PolicyVersion, policyVersion } from '../../algorithms/bandits/policy-version.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { createRandom, type Random } from '../../core/random.ts'
import type { LogRecord } from '../../ports/event-log.ts'
import type { Decision } from '../../schemas/decision.ts'
import { type Exploration, explorationDefaults } from '../../schemas/exploration.ts'
import type { TopicName, TopicValue } from '../../schemas/topics.ts'
import { type EventType, eventTypes, type UserEvent } from '../../schemas/user-event.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'
import type { WireFormat } from '../../schemas/wire-format.ts'
import { decisionOf, slotOf } from '../operators/reward-fixture.ts'
import { shopItem } from '../topologies/catalogue.ts'
import { openMs, shopEvent } from '../topologies/shop-events.ts'

/** A value with its key and the time at which the log takes it. */
export interface LoggedValue<N extends TopicName> {
  readonly value: TopicValue<N> | null
  readonly key: string
  readonly loggedMs: number
  /** The key's own if absent. */
  readonly partition?: number
}

/** Values as records of a topic's partitions. */
export function logOf<N extends TopicName>(
  wire: WireFormat,
  topic: N,
  values: readonly LoggedValue<N>[],
  partitions: number,
): LogRecord[][] {
  const log: LogRecord[][] = Array.from({ length: partitions }, () => [])
  for (const { value, key, loggedMs, partition } of values) {
    const own = log[partition ?? partitionFor(key, partitions)]!
    own.push({ offset: own.length, timestampMs: loggedMs, key, value: value === null ? null : wire.encode(topic, value) })
  }
  return log
}

/** What few people do with few items: repeats, invalid events, late ones, long silences. */
export function drawEvents(seed: string): LoggedValue<'user-events'>[] {
  const random = createRandom(seed)
  let atMs = openMs
  return Array.from({ length: 20 + random.below(40) }, (_, at) => {
    atMs += pick(random, [0, 1_000, 30_000, 400_000, 2_000_000, -300_000])
    const type = pick(random, [...eventTypes.slice(1), 'click', 'click', 'purchase', 'purchase'] as EventType[])
    const item = random.below(5)
    const value: UserEvent = shopEvent(`e${random.below(8) === 0 ? random.below(at + 1) : at}`, type, atMs, {
      userId: `u${random.below(5)}`,
      ...(type === 'search' ? {} : { itemId: `i${item}` }),
      ...(random.below(15) === 0 ? { rating: 9 } : {}),
      price: random.below(3) === 0 ? null : 10 + item,
      category: [`c${item % 2}`],
    })
    return { value, key: value.userId, loggedMs: Math.max(openMs, atMs) }
  })
}

/** Declared profiles of the people of `drawEvents`; nobody is erased: when that happens among the events is left to the log. */
export function drawProfiles(seed: string): LoggedValue<'users'>[] {
  const random = createRandom(`${seed} profiles`)
  return Array.from({ length: 6 }, (_, at) => {
    const userId = `u${random.below(5)}`
    const loggedMs = openMs + random.below(20_000_000)
    const value: UserProfile = {
      userId,
      ageGroup: 'unknown',
      gender: null,
      region: `r${at}`,
      preferredCategories: [`c${random.below(3)}`],
      consent: true,
      updatedMs: loggedMs,
    }
    return { value, key: userId, loggedMs }
  }).sort((a, b) => a.loggedMs - b.loggedMs)
}

/** A small catalogue with changes and withdrawals. */
export function drawItems(seed: string): LoggedValue<'items'>[] {
  const random = createRandom(`${seed} items`)
  return Array.from({ length: 14 }, (_, at) => {
    const key = `i${random.below(5)}`
    const value = random.below(5) === 0 ? null : shopItem(key, { price: 1 + at, title: `thing ${at}` })
    return { value, key, loggedMs: openMs + at * 1_000 }
  })
}

/** Of a contextual policy, of one that forgets, and of nobody. */
const explorations: readonly (Exploration | null)[] = [
  explorationOf(policyVersion('lin-ucb'), [1, 0.259, -0.5]),
  explorationOf(policyVersion('beta-thompson', {}, 700), []),
  null,
]

function explorationOf({ policy, version }: PolicyVersion, context: readonly number[]): Exploration {
  const arms = ['trend', 'session', 'content']
  const chances = arms.map(() => 1 / arms.length)
  return { ...explorationDefaults, slot: 1, policy: policy.name, version, arms, chances, draws: 0, context }
}

/** Showings and what followed; both end long after everything is due, so that no showing waits for ever. */
export function drawShowings(seed: string): { decisions: LoggedValue<'decisions'>[]; events: LoggedValue<'user-events'>[] } {
  const random = createRandom(`${seed} showings`)
  const decisions: LoggedValue<'decisions'>[] = []
  const events: LoggedValue<'user-events'>[] = []
  let atMs = openMs
  for (let at = 0; at < 14 + random.below(12); at++) {
    atMs += random.below(600)
    const userId = `u${random.below(6)}`
    const repeated = random.below(10) === 0 ? random.below(at + 1) : at
    const decision: Decision = decisionOf(`d${repeated}`, atMs, {
      userId,
      listId: `l${random.below(4)}`,
      policy: `p${random.below(2)}`,
      assignments: ['e0', 'e1'].map((experiment) => ({ experiment, variant: pick(random, ['a', 'b']) })),
      exploration: explorations[at % explorations.length]!,
      slots: [slotOf('a', 0), slotOf('b', 1, true, pick(random, ['trend', 'session', 'content']))],
    })
    decisions.push({ value: decision, key: userId, loggedMs: atMs })
    for (let more = random.below(3); more > 0; more--) {
      const timeMs = atMs + random.below(1_500)
      const type = pick(random, ['view', 'click', 'like', 'purchase', 'dismiss'] as EventType[])
      const event = shopEvent(`e${at}.${more}`, type, timeMs, {
        userId,
        listId: `l${random.below(4)}`,
        itemId: pick(random, ['a', 'b']),
      })
      events.push({ value: event, key: userId, loggedMs: timeMs })
    }
  }
  const endMs = atMs + 60_000
  for (let user = 0; user < 6; user++) {
    const userId = `u${user}`
    decisions.push({ value: decisionOf(`end ${user}`, endMs, { userId, listId: 'end' }), key: userId, loggedMs: endMs })
    events.push({ value: shopEvent(`end ${user}`, 'view', endMs, { userId, listId: 'end' }), key: userId, loggedMs: endMs })
  }
  return { decisions, events: events.sort((a, b) => a.loggedMs - b.loggedMs) }
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.below(values.length)]!
}
