import { MillraceError } from '../../core/errors.ts'
import { type EventType, eventTypes } from '../../schemas/user-event.ts'
import { type TimeUnit, timeUnits } from './parse-time.ts'

/** Fields of an event that a column may fill. */
export const mappedFields = [
  'eventId',
  'userId',
  'itemId',
  'type',
  'timeMs',
  'sessionId',
  'listId',
  'position',
  'rating',
  'price',
  'quantity',
  'query',
  'device',
  'region',
  'timeZone',
  'category',
  'brand',
] as const
export type MappedField = (typeof mappedFields)[number]

/** A field comes from a column or is the same for every row. */
export type FieldSource = { readonly column: string } | { readonly constant: string }

/** Which column is which field. */
export interface ColumnMapping {
  readonly sources: ReadonlyMap<MappedField, FieldSource>
  readonly timeUnit: TimeUnit
  /** Spellings of event types in the file. */
  readonly types: ReadonlyMap<string, EventType>
  /** What separates the levels of a category path. Default `/`. */
  readonly categorySeparator: string
}

/** Spellings that public data sets use. */
const usualTypes: readonly (readonly [string, EventType])[] = [
  ...eventTypes.filter((type) => type !== 'unknown').map((type) => [type, type] as const),
  ['pv', 'view'],
  ['detail', 'view'],
  ['buy', 'purchase'],
  ['transaction', 'purchase'],
  ['order', 'purchase'],
  ['cart', 'add_to_cart'],
  ['addtocart', 'add_to_cart'],
  ['add-to-cart', 'add_to_cart'],
  ['fav', 'like'],
  ['favorite', 'like'],
  ['rate', 'rating'],
]

/**
 * Reads a mapping written as on the command line: `userId=user_id` takes a column, `type:=view` the same value for every row,
 * `timeMs=timestamp:s` a column with a unit (auto, s, ms, us, iso; auto if none), `type.buy=purchase` a spelling, `category=path:>`
 * a column with a separator. Needed: userId, timeMs, itemId (or query), type. Errors: `MILL_IMPORT_INVALID` naming the part.
 */
export function parseColumnMapping(parts: readonly string[]): ColumnMapping {
  const sources = new Map<MappedField, FieldSource>()
  const types = new Map<string, EventType>(usualTypes)
  let timeUnit: TimeUnit = 'auto'
  let categorySeparator = '/'
  for (const part of parts) {
    const match = /^([A-Za-z]+)(?:\.([^=]+))?(:?=)(.+)$/.exec(part)
    if (!match) throw refuse(part, 'write field=column, field:=value or type.spelling=type')
    const [, name, spelling, sign, text] = match as unknown as [string, string, string | undefined, string, string]
    const field = mappedFields.find((known) => known === name)
    if (!field) throw refuse(part, `there is no field "${name}"; the fields are ${mappedFields.join(', ')}`)
    if (spelling !== undefined) types.set(spelling, eventTypeOf(part, field, text))
    else if (sign === ':=') {
      if (field === 'type') types.set(text, types.get(text) ?? eventTypeOf(part, field, text))
      sources.set(field, { constant: text })
    } else if (field === 'timeMs') {
      const unit = /^(.+):(\w+)$/.exec(text)
      timeUnit = unit ? timeUnitOf(part, unit[2]!) : timeUnit
      sources.set(field, { column: unit?.[1] ?? text })
    } else if (field === 'category') {
      const separated = /^(.+):(\W)$/.exec(text)
      categorySeparator = separated?.[2] ?? categorySeparator
      sources.set(field, { column: separated?.[1] ?? text })
    } else sources.set(field, { column: text })
  }
  for (const field of ['userId', 'timeMs', 'type'] as const)
    if (!sources.has(field))
      throw new MillraceError('MILL_IMPORT_INVALID', `the column mapping does not say where "${field}" comes from`)
  if (!sources.has('itemId') && !sources.has('query'))
    throw new MillraceError('MILL_IMPORT_INVALID', 'the column mapping does not say where "itemId" comes from')
  return { sources, timeUnit, types, categorySeparator }
}

function eventTypeOf(part: string, field: MappedField, text: string): EventType {
  if (field !== 'type') throw refuse(part, 'only type has spellings')
  const type = eventTypes.find((known) => known === text && known !== 'unknown')
  if (!type) throw refuse(part, `"${text}" is no event type; they are ${eventTypes.slice(1).join(', ')}`)
  return type
}

function timeUnitOf(part: string, text: string): TimeUnit {
  const unit = timeUnits.find((known) => known === text)
  if (!unit) throw refuse(part, `"${text}" is no time unit; they are ${timeUnits.join(', ')}`)
  return unit
}

function refuse(part: string, why: string): MillraceError {
  return new MillraceError('MILL_IMPORT_INVALID', `column mapping "${part}": ${why}`)
}
