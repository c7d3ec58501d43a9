import { optional, recordSchema, timestampMs } from './record-schema.ts'

/** What a rule does: scale or filter, fix a place, put last, never below, so many of a group. */
export const ruleKinds = ['bias', 'pin', 'bury', 'floor', 'quota'] as const
export type RuleKind = (typeof ruleKinds)[number]

/** What a rule asks of an item: four texts, then four numbers. */
export const ruleFields = ['itemId', 'category', 'brand', 'tag', 'price', 'margin', 'stock', 'ageDays'] as const
export type RuleField = (typeof ruleFields)[number]

/**
 * One merchandising rule as data, set while the engine runs (`millrace rules set`). It is about the items whose `field` has one of
 * `values` (texts; any level of the category path) or lies in `valueMin`–`valueMax` (numbers, both ends included), on `surfaces`
 * (empty = all), in event time from `fromMs` until before `toMs`. `algorithms/rules/rule-fault.ts` says which fields a kind needs.
 */
export interface Rule {
  readonly id: string
  readonly kind: RuleKind
  readonly field: RuleField
  readonly values: readonly string[]
  readonly valueMin: number | null
  readonly valueMax: number | null
  /** Of kind bias: −1 shows only such items, 0 never shows them, above 0 is a factor on their score. */
  readonly bias: number
  /** Of kind pin: the place, from 0. */
  readonly position: number | null
  /** Of kind quota: the places it is about, and the least and most such items among them. */
  readonly first: number | null
  readonly countMin: number | null
  readonly countMax: number | null
  readonly surfaces: readonly string[]
  readonly fromMs: number | null
  readonly toMs: number | null
  /** Why it is there, for people. */
  readonly note: string
}

export const ruleSchema = recordSchema<Rule>('Rule', 'One merchandising rule; null removes it.', [
  { name: 'id', type: 'string', doc: 'Its name; also the record key.' },
  { name: 'kind', type: { type: 'enum', name: 'RuleKind', symbols: ruleKinds }, doc: 'What it does.' },
  { name: 'field', type: { type: 'enum', name: 'RuleField', symbols: ruleFields }, doc: 'What it asks of an item.' },
  { name: 'values', type: { type: 'array', items: 'string' }, doc: 'Texts the field may have.', default: [] },
  optional('valueMin', 'double', 'Least number the field may have.'),
  optional('valueMax', 'double', 'Largest number the field may have.'),
  { name: 'bias', type: 'double', doc: 'Of bias: -1 only, 0 never, above 0 a factor.', default: 1 },
  optional('position', 'int', 'Of pin: the place, from 0.'),
  optional('first', 'int', 'Of quota: places it is about.'),
  optional('countMin', 'int', 'Of quota: least such items.'),
  optional('countMax', 'int', 'Of quota: most such items.'),
  { name: 'surfaces', type: { type: 'array', items: 'string' }, doc: 'Where it holds; empty = everywhere.', default: [] },
  optional('fromMs', timestampMs, 'Holds from this event time on.'),
  optional('toMs', timestampMs, 'Holds before this event time.'),
  { name: 'note', type: 'string', doc: 'Why it is there, for people.', default: '' },
])
