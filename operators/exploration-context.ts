import { hourInZone } from '../algorithms/hour-in-zone.ts'
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
  ].map((value) => Math.round(1_000 * value) / 1_000)
}

function onScale(count: number, long: number): number {
  return Math.min(1, Math.log1p(count) / Math.log1p(long))
}
