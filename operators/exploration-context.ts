import { hourInZone } from '../algorithms/hour-in-zone.ts'
import { type FeatureName, rankerFeatureNames, rankerWidth } from '../algorithms/ranker-features.ts'
import type { ListDraft } from './list-draft.ts'

/** What the numbers are, in order. Another meaning or order needs another `contextVersion` (algorithms/bandits/policy-version.ts). */
export const contextNames = ['one', 'session', 'history', 'basket', 'hour sine', 'hour cosine', 'mobile', 'own taste'] as const

/** Events at which a session, and a history, count as long. */
const sessionLong = 20
const historyLong = 1_000

/**
 * What a bandit policy sees of a person and the moment, each about −1 to 1 and in thousandths, so that the log holds exactly what was seen:
 * 1; events of the session and of the person, on a log scale to 20 and 1,000; whether the basket holds something; sine and cosine of the
 * hour of the newest event, UTC; whether on a phone; what the own taste says in the list (`personalShare`).
 */
export function explorationContext({ update, personalShare }: ListDraft): number[] {
  const { features, eventTimeMs } = update
  const angle = (2 * Math.PI * hourInZone(eventTimeMs, null)) / 24
  const events = features.counts.reduce((sum, count) => sum + count, 0)
  return [
    1,
    onScale(features.session.events, sessionLong),
    onScale(events, historyLong),
    features.session.cart.length > 0 ? 1 : 0,
    Math.sin(angle),
    Math.cos(angle),
    features.device === 'mobile' ? 1 : 0,
    personalShare,
  ].map(inThousandths)
}

/** Columns of the ranker that tell items of one list apart, each brought to about −1 to 1 by what it is divided by. */
const itemColumns: readonly (readonly [name: FeatureName, by: number])[] = [
  ['affinity_leaf', 1],
  ['affinity_brand', 1],
  ['price_distance', 1],
  ['popularity_log', 3],
  ['trend_z', 1],
  ['age_log', 1],
]
const columnNumbers = itemColumns.map(([name]) => rankerFeatureNames.indexOf(name))

/** What the numbers of an item are, in order; another meaning or order needs another version, as above. */
export const columnContextNames = ['one', 'score', ...itemColumns.map(([name]) => name)] as const

/**
 * What a bandit policy sees of each of some candidates, row by row in thousandths: 1, the score in the list from its worst candidate's (0) to
 * its best's (1), and columns of the ranker. Null where the list has no ranker columns (rung `session`): nothing can be seen then.
 */
export function columnContext(draft: ListDraft, places: readonly number[]): number[] | null {
  if (draft.features.length === 0) return null
  const scoreOf = scoreScale(draft)
  return places.flatMap((place) =>
    [
      1,
      scoreOf(place),
      ...columnNumbers.map((column, n) => draft.features[place * rankerWidth + column]! / itemColumns[n]![1]),
    ].map(inThousandths),
  )
}

/** The same by the ranker's last hidden layer, 1 and what it holds of each candidate; null where the model that ranked tells none. */
export function hiddenContext({ hidden, set }: ListDraft, places: readonly number[]): number[] | null {
  if (hidden === undefined || hidden.length === 0) return null
  const width = hidden.length / set.count
  return places.flatMap((place) => [1, ...hidden.subarray(place * width, (place + 1) * width)].map(inThousandths))
}

/** Says where a candidate's score lies between the worst (0) and the best (1) of the list; 1 where all are equal. */
export function scoreScale({ scores, set }: ListDraft): (place: number) => number {
  let least = Number.POSITIVE_INFINITY
  let most = Number.NEGATIVE_INFINITY
  for (let place = 0; place < set.count; place++) {
    least = Math.min(least, scores[place]!)
    most = Math.max(most, scores[place]!)
  }
  return (place) => (most > least ? (scores[place]! - least) / (most - least) : 1)
}

function inThousandths(value: number): number {
  return Math.round(1_000 * value) / 1_000
}

function onScale(count: number, long: number): number {
  return Math.min(1, Math.log1p(count) / Math.log1p(long))
}
