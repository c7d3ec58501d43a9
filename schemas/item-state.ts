import { type Item, itemSchema } from './item.ts'
import { recordSchema } from './record-schema.ts'
import { eventTypes } from './user-event.ts'

/** Companions with decayed weights at one landmark, heaviest first. */
export interface CompanionState {
  items: string[]
  weights: number[]
  referenceMs: number
}

/**
 * Everything `item-features` keeps of one item, packed as Avro under `{item-features.p}:item:<id>`. Catalogue data (`item`,
 * `withdrawn`) and what events say are fed by different topics and touch nothing of each other.
 */
export interface ItemState {
  item: Item | null
  withdrawn: boolean
  counts: number[]
  /** Decayed strength with half-life 7 d, and the two sums of the trend: value and landmark. */
  popularity: number
  popularityMs: number
  short: number
  shortMs: number
  ratingSum: number
  ratingCount: number
  /** 64 bits of a linear counter of distinct people, as two 32-bit numbers. */
  peopleLow: number
  peopleHigh: number
  similar: CompanionState
  together: CompanionState
  eventTimeMs: number
  /** Event time of the last update that was sent because of events. */
  sentMs: number
  /** Decayed purchases with half-life 30 d, and decayed co-purchases after it of whatever item: value and landmark. */
  bought: number
  boughtMs: number
  followed: number
  followedMs: number
}

/** How busy each hour of the week is in a category (algorithms/week-hours.ts). */
export interface WeekHoursState {
  hours: number[]
  referenceMs: number
  firstHour: number
  lastHour: number
  running: number
}

/** How many buyers spent how much (algorithms/spend-ranks.ts). */
export interface SpendState {
  weights: number[]
  referenceMs: number
}

/** Popular items of one scope: bounded, decayed at one landmark per column. */
export interface ScopeState {
  items: string[]
  popularity: number[]
  popularityMs: number
  short: number[]
  shortMs: number
  eventTimeMs: number
  sentMs: number
  /** 64 bits of a linear counter of distinct people, as two 32-bit numbers. */
  peopleLow: number
  peopleHigh: number
  /** Scopes of categories only. */
  week: WeekHoursState | null
  /** The scope of all only: how many buyers spent how much. */
  spend: SpendState | null
}

const companionSchema = recordSchema<CompanionState>('CompanionState', 'Companions with decayed weights.', [
  { name: 'items', type: { type: 'array', items: 'string' }, doc: 'Heaviest first.' },
  { name: 'weights', type: { type: 'array', items: 'double' }, doc: 'At the landmark.' },
  { name: 'referenceMs', type: 'long', doc: 'The landmark.' },
])

export const itemStateSchema = recordSchema<ItemState>('ItemState', 'Everything item-features keeps of one item.', [
  { name: 'item', type: ['null', itemSchema.definition], doc: 'Catalogue data.', default: null },
  { name: 'withdrawn', type: 'boolean', doc: 'Taken out.' },
  { name: 'counts', type: { type: 'array', items: 'int' }, doc: 'Events by type.' },
  { name: 'popularity', type: 'double', doc: 'Decayed strength, half-life 7 d.' },
  { name: 'popularityMs', type: 'long', doc: 'Its landmark.' },
  { name: 'short', type: 'double', doc: 'Decayed strength, half-life 1 h.' },
  { name: 'shortMs', type: 'long', doc: 'Its landmark.' },
  { name: 'ratingSum', type: 'double', doc: 'Sum of ratings.' },
  { name: 'ratingCount', type: 'int', doc: 'Ratings.' },
  { name: 'peopleLow', type: 'int', doc: 'Linear counter, low bits.' },
  { name: 'peopleHigh', type: 'int', doc: 'Linear counter, high bits.' },
  { name: 'similar', type: companionSchema.definition, doc: 'Seen together.' },
  { name: 'together', type: 'CompanionState', doc: 'Bought together.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest event.' },
  { name: 'sentMs', type: 'long', doc: 'Event time of the last update.' },
  { name: 'bought', type: 'double', doc: 'Decayed purchases, half-life 30 d.' },
  { name: 'boughtMs', type: 'long', doc: 'Its landmark.' },
  { name: 'followed', type: 'double', doc: 'Decayed co-purchases after it, half-life 30 d.' },
  { name: 'followedMs', type: 'long', doc: 'Its landmark.' },
])

const weekHoursSchema = recordSchema<WeekHoursState>('WeekHoursState', 'How busy each hour of the week is.', [
  { name: 'hours', type: { type: 'array', items: 'float' }, doc: 'Strength of finished hours, half-life 4 weeks.' },
  { name: 'referenceMs', type: 'long', doc: 'The landmark.' },
  { name: 'firstHour', type: 'int', doc: 'First hour heard of, since the epoch.' },
  { name: 'lastHour', type: 'int', doc: 'The running hour.' },
  { name: 'running', type: 'double', doc: 'Its strength so far.' },
])

const spendSchema = recordSchema<SpendState>('SpendState', 'How many buyers spent how much.', [
  { name: 'weights', type: { type: 'array', items: 'double' }, doc: 'People by step of spending, half-life 90 d.' },
  { name: 'referenceMs', type: 'long', doc: 'Their landmark.' },
])

export const scopeStateSchema = recordSchema<ScopeState>('ScopeState', 'Popular items of one scope.', [
  { name: 'items', type: { type: 'array', items: 'string' }, doc: 'In order of first sight.' },
  { name: 'popularity', type: { type: 'array', items: 'double' }, doc: 'Decayed strength, half-life 7 d.' },
  { name: 'popularityMs', type: 'long', doc: 'Landmark.' },
  { name: 'short', type: { type: 'array', items: 'double' }, doc: 'Decayed strength, half-life 1 h.' },
  { name: 'shortMs', type: 'long', doc: 'Landmark.' },
  { name: 'eventTimeMs', type: 'long', doc: 'Newest event.' },
  { name: 'sentMs', type: 'long', doc: 'Event time of the last update.' },
  { name: 'peopleLow', type: 'int', doc: 'Linear counter, low bits.' },
  { name: 'peopleHigh', type: 'int', doc: 'Linear counter, high bits.' },
  { name: 'week', type: ['null', weekHoursSchema.definition], doc: 'How busy each hour is, of a category.', default: null },
  { name: 'spend', type: ['null', spendSchema.definition], doc: 'How many buyers spent how much, of all.', default: null },
])

/** The state of an item nobody has mentioned. */
export function emptyItemState(): ItemState {
  return {
    item: null,
    withdrawn: false,
    counts: new Array<number>(eventTypes.length).fill(0),
    popularity: 0,
    popularityMs: 0,
    short: 0,
    shortMs: 0,
    ratingSum: 0,
    ratingCount: 0,
    peopleLow: 0,
    peopleHigh: 0,
    similar: { items: [], weights: [], referenceMs: 0 },
    together: { items: [], weights: [], referenceMs: 0 },
    eventTimeMs: 0,
    sentMs: 0,
    bought: 0,
    boughtMs: 0,
    followed: 0,
    followedMs: 0,
  }
}

export function emptyScopeState(): ScopeState {
  return {
    items: [],
    popularity: [],
    popularityMs: 0,
    short: [],
    shortMs: 0,
    eventTimeMs: 0,
    sentMs: 0,
    peopleLow: 0,
    peopleHigh: 0,
    week: null,
    spend: null,
  }
}
