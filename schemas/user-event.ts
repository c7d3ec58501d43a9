import { type FieldSchema, money, optional, recordSchema, timestampMs } from './record-schema.ts'

/** The event vocabulary (features.md F1.2); `unknown` is what a newer producer's type reads as, and is dead-lettered. */
export const eventTypes = ['unknown', 'view', 'click', 'add_to_cart', 'purchase', 'rating', 'like', 'dismiss', 'search'] as const
export type EventType = (typeof eventTypes)[number]

const numbers: ReadonlyMap<string, number> = new Map(eventTypes.map((type, number) => [type, number]))

/** The index of a type in `eventTypes`. */
export function eventTypeNumber(type: EventType): number {
  return numbers.get(type)!
}

export const devices = ['unknown', 'desktop', 'mobile', 'tablet'] as const
export type Device = (typeof devices)[number]

/** Something a person did in the shop. */
export interface UserEvent {
  /** Unique id, 1–128 bytes: a resend counts once. */
  readonly eventId: string
  readonly userId: string
  /** The item, or null for a search. */
  readonly itemId: string | null
  readonly type: EventType
  /** When it happened, ms. */
  readonly timeMs: number
  readonly sessionId: string | null
  /** The list it followed from, with the 0-based position in it. */
  readonly listId: string | null
  readonly position: number | null
  /** 1–5. */
  readonly rating: number | null
  readonly price: number | null
  readonly quantity: number | null
  readonly query: string | null
  readonly device: Device
  readonly region: string | null
  /** IANA zone or null for UTC. */
  readonly timeZone: string | null
  /** The item's category path, general first, and brand as they were when it happened (adr/0002). */
  readonly category: readonly string[]
  readonly brand: string | null
}

const fields: readonly FieldSchema[] = [
  { name: 'eventId', type: 'string', doc: 'Unique id, 1-128 bytes; a resend counts once.' },
  { name: 'userId', type: 'string', doc: 'The person; also the record key.' },
  optional('itemId', 'string', 'The item; null for a search.'),
  {
    name: 'type',
    type: { type: 'enum', name: 'EventType', symbols: eventTypes, default: 'unknown' },
    doc: 'What happened; unknown is what a newer symbol reads as.',
  },
  { name: 'timeMs', type: timestampMs, doc: 'When it happened.' },
  optional('sessionId', 'string', 'The client session, if the client keeps one.'),
  optional('listId', 'string', 'The recommendation list it followed from.'),
  optional('position', 'int', '0-based position in that list.'),
  optional('rating', 'float', 'A rating from 1 to 5.'),
  optional('price', money, 'Unit price at that moment.'),
  optional('quantity', 'int', 'Pieces; 1 if absent.'),
  optional('query', 'string', 'The text of a search.'),
  {
    name: 'device',
    type: { type: 'enum', name: 'Device', symbols: devices, default: 'unknown' },
    doc: 'Device class.',
    default: 'unknown',
  },
  optional('region', 'string', 'Coarse region; never a street address.'),
  optional('timeZone', 'string', 'IANA time zone of the person; UTC if absent.'),
  { name: 'category', type: { type: 'array', items: 'string' }, doc: 'Category path of the item, general first.', default: [] },
  optional('brand', 'string', 'Brand of the item.'),
]

export const userEventSchema = recordSchema<UserEvent>('UserEvent', 'Something a person did in the shop.', fields, {
  uniqueFields: ['eventId'],
})
