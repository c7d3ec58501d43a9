import type { SessionIntent } from '../session-intent.ts'
import { logCount } from './log-count.ts'
import type { ComputedColumn } from './ranker-column.ts'

/** Events of one window of event time. */
export interface WindowFacts {
  /** Views and clicks. */
  readonly looks: number
  readonly carts: number
  readonly purchases: number
  readonly spend: number
}

/** A person as of one moment, in plain numbers; NaN says that something is not known. */
export interface PersonFacts {
  readonly nowMs: number
  readonly firstSeenMs: number
  readonly lastPurchaseMs: number
  /** Last hour, day and week, to the hour; last 30 and 90 days, to the day. */
  readonly hour: WindowFacts
  readonly day: WindowFacts
  readonly week: WindowFacts
  readonly month: Pick<WindowFacts, 'purchases' | 'spend'>
  readonly quarter: Pick<WindowFacts, 'purchases' | 'spend'>
  readonly session: {
    readonly lengthMs: number
    readonly events: number
    readonly searches: number
    /** Mean price of what was touched. */
    readonly price: number
  }
  readonly intent: SessionIntent
  /** Share of the person's activity that falls into this hour of the day; 1/24 where nothing is known. */
  readonly hourShare: number
  readonly likes: number
  readonly ratings: number
  readonly dismissals: number
  readonly searches: number
  /** Shares of the person's categories and brands, heaviest first. */
  readonly categoryShares: readonly number[]
  readonly brandShares: readonly number[]
  readonly desktop: boolean
  readonly tablet: boolean
  readonly regionKnown: boolean
  /** 0 (youngest group) to 1 (oldest). */
  readonly age: number
  readonly isNew: boolean
  readonly isLoyal: boolean
  /** Share of buyers who spent less in 90 days; NaN for those who spent nothing. */
  readonly spendRank: number
  /** Days of the last 90 with a purchase. */
  readonly orders: number
  /** Mean length of the sessions before this one; NaN before one has ended. */
  readonly sessionMinutes: number
}

const dayMs = 86_400_000
const weekMs = 7 * dayMs
const yearMs = 365.25 * dayMs
/** The first Monday after the epoch. */
const mondayMs = 4 * dayMs

/** What schema 2 says of the person alone: the same for every candidate of a list. */
export const personColumns = [
  {
    name: 'purchase_recency',
    meaning: 'ln(1 + days since the last purchase) / 6; 0 without one',
    range: [0, 1],
    of: ({ nowMs, lastPurchaseMs }) => (Number.isNaN(lastPurchaseMs) ? 0 : logDays(nowMs - lastPurchaseMs, 6)),
  },
  {
    name: 'has_purchased',
    meaning: '1 if a purchase is known',
    range: [0, 1],
    of: ({ lastPurchaseMs }) => flag(!Number.isNaN(lastPurchaseMs)),
  },
  {
    name: 'purchases_30d',
    meaning: 'ln(1 + purchases in 30 days) / 5',
    range: [0, 1],
    of: ({ month }) => logCount(month.purchases, 5),
  },
  {
    name: 'purchases_90d',
    meaning: 'ln(1 + purchases in 90 days) / 5',
    range: [0, 1],
    of: ({ quarter }) => logCount(quarter.purchases, 5),
  },
  {
    name: 'spend_30d',
    meaning: 'ln(1 + money spent in 30 days) / 15',
    range: [0, 1],
    of: ({ month }) => logCount(month.spend, 15),
  },
  {
    name: 'spend_90d',
    meaning: 'ln(1 + money spent in 90 days) / 15',
    range: [0, 1],
    of: ({ quarter }) => logCount(quarter.spend, 15),
  },
  {
    name: 'order_value',
    meaning: 'ln(1 + money per purchase of 90 days) / 10; 0 without one',
    range: [0, 1],
    of: ({ quarter }) => (quarter.purchases === 0 ? 0 : logCount(quarter.spend / quarter.purchases, 10)),
  },
  {
    name: 'looks_1h',
    meaning: 'ln(1 + views and clicks in 1 hour) / 5',
    range: [0, 1],
    of: ({ hour }) => logCount(hour.looks, 5),
  },
  {
    name: 'looks_24h',
    meaning: 'ln(1 + views and clicks in 24 hours) / 7',
    range: [0, 1],
    of: ({ day }) => logCount(day.looks, 7),
  },
  {
    name: 'looks_7d',
    meaning: 'ln(1 + views and clicks in 7 days) / 8',
    range: [0, 1],
    of: ({ week }) => logCount(week.looks, 8),
  },
  { name: 'carts_1h', meaning: 'ln(1 + add-to-carts in 1 hour) / 4', range: [0, 1], of: ({ hour }) => logCount(hour.carts, 4) },
  { name: 'carts_24h', meaning: 'ln(1 + add-to-carts in 24 hours) / 5', range: [0, 1], of: ({ day }) => logCount(day.carts, 5) },
  { name: 'carts_7d', meaning: 'ln(1 + add-to-carts in 7 days) / 5', range: [0, 1], of: ({ week }) => logCount(week.carts, 5) },
  {
    name: 'purchases_24h',
    meaning: 'ln(1 + purchases in 24 hours) / 4',
    range: [0, 1],
    of: ({ day }) => logCount(day.purchases, 4),
  },
  { name: 'spend_7d', meaning: 'ln(1 + money spent in 7 days) / 15', range: [0, 1], of: ({ week }) => logCount(week.spend, 15) },
  {
    name: 'buy_share_7d',
    meaning: 'purchases of 7 days per (views, clicks and purchases + 5)',
    range: [0, 1],
    of: ({ week }) => week.purchases / (week.looks + week.purchases + 5),
  },
  {
    name: 'tenure',
    meaning: 'ln(1 + days since the first event) / 8',
    range: [0, 1],
    of: ({ nowMs, firstSeenMs }) => (firstSeenMs > 0 ? logDays(nowMs - firstSeenMs, 8) : 0),
  },
  { name: 'likes', meaning: 'ln(1 + likes) / 6', range: [0, 1], of: ({ likes }) => logCount(likes, 6) },
  { name: 'ratings', meaning: 'ln(1 + ratings) / 6', range: [0, 1], of: ({ ratings }) => logCount(ratings, 6) },
  { name: 'dismissals', meaning: 'ln(1 + dismissals) / 6', range: [0, 1], of: ({ dismissals }) => logCount(dismissals, 6) },
  { name: 'searches', meaning: 'ln(1 + searches) / 6', range: [0, 1], of: ({ searches }) => logCount(searches, 6) },
  {
    name: 'session_length',
    meaning: 'ln(1 + minutes since the session began) / 6',
    range: [0, 1],
    of: ({ session }) => logCount(session.lengthMs / 60_000, 6),
  },
  {
    name: 'session_dwell',
    meaning: 'ln(1 + mean seconds between the events of the session) / 8; 0 with one event',
    range: [0, 1],
    of: ({ session }) => (session.events < 2 ? 0 : logCount(session.lengthMs / (session.events - 1) / 1000, 8)),
  },
  {
    name: 'session_searches',
    meaning: 'ln(1 + searches of the session) / 4',
    range: [0, 1],
    of: ({ session }) => logCount(session.searches, 4),
  },
  {
    name: 'session_price',
    meaning: 'ln(1 + mean price of the session) / 10; 0 before a price was seen',
    range: [0, 1],
    of: ({ session }) => (Number.isNaN(session.price) ? 0 : logCount(session.price, 10)),
  },
  { name: 'intent_search', meaning: '1 if the session searches', range: [0, 1], of: ({ intent }) => flag(intent === 'search') },
  { name: 'intent_buy', meaning: '1 if something lies in the cart', range: [0, 1], of: ({ intent }) => flag(intent === 'buy') },
  {
    name: 'intent_browse',
    meaning: '1 if the session looks around',
    range: [0, 1],
    of: ({ intent }) => flag(intent === 'browse'),
  },
  {
    name: 'hour_share',
    meaning: "share of the person's activity in this hour of the day, 24-fold, less 1, / 4 at most 1; 0 where nothing is known",
    range: [-0.25, 1],
    of: ({ hourShare }) => Math.min(1, (24 * hourShare - 1) / 4),
  },
  {
    name: 'weekday_sin',
    meaning: 'sine of the time since Monday 0:00 UTC over a week',
    range: [-1, 1],
    of: ({ nowMs }) => Math.sin(turn(nowMs - mondayMs, weekMs)),
  },
  {
    name: 'weekday_cos',
    meaning: 'cosine of the same angle',
    range: [-1, 1],
    of: ({ nowMs }) => Math.cos(turn(nowMs - mondayMs, weekMs)),
  },
  {
    name: 'season_sin',
    meaning: 'sine of the time of the year, 365.25 days',
    range: [-1, 1],
    of: ({ nowMs }) => Math.sin(turn(nowMs, yearMs)),
  },
  { name: 'season_cos', meaning: 'cosine of the same angle', range: [-1, 1], of: ({ nowMs }) => Math.cos(turn(nowMs, yearMs)) },
  { name: 'device_desktop', meaning: '1 on a desktop', range: [0, 1], of: ({ desktop }) => flag(desktop) },
  { name: 'device_tablet', meaning: '1 on a tablet', range: [0, 1], of: ({ tablet }) => flag(tablet) },
  { name: 'region_known', meaning: '1 if the region is known', range: [0, 1], of: ({ regionKnown }) => flag(regionKnown) },
  {
    name: 'age',
    meaning: 'age group from -1 (under 18) to 1 (65 and more); 0, the middle, where it is not known',
    range: [-1, 1],
    of: ({ age }) => (Number.isNaN(age) ? 0 : 2 * age - 1),
  },
  { name: 'age_known', meaning: '1 if the age group is known', range: [0, 1], of: ({ age }) => flag(!Number.isNaN(age)) },
  {
    name: 'taste_breadth',
    meaning: 'entropy of the category shares / ln 20: 0 for one category',
    range: [0, 1],
    of: ({ categoryShares }) => breadth(categoryShares),
  },
  {
    name: 'brand_breadth',
    meaning: 'entropy of the brand shares / ln 20: 0 for one brand',
    range: [0, 1],
    of: ({ brandShares }) => breadth(brandShares),
  },
  { name: 'segment_new', meaning: '1 with fewer than 5 items', range: [0, 1], of: ({ isNew }) => flag(isNew) },
  { name: 'segment_loyal', meaning: '1 with 3 purchases or more in 90 days', range: [0, 1], of: ({ isLoyal }) => flag(isLoyal) },
] as const satisfies readonly ComputedColumn<PersonFacts>[]

function flag(holds: boolean): number {
  return holds ? 1 : 0
}

function logDays(ms: number, scale: number): number {
  return logCount(ms / dayMs, scale)
}

function turn(ms: number, periodMs: number): number {
  return ((ms % periodMs) / periodMs) * 2 * Math.PI
}

function breadth(shares: readonly number[]): number {
  let entropy = 0
  for (const share of shares) if (share > 0) entropy -= share * Math.log(share)
  return Math.max(0, Math.min(1, entropy / Math.log(20)))
}
