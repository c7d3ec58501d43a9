import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { ItemTable } from '../ports/item-table.ts'
import { devices, eventTypes, type UserEvent } from '../schemas/user-event.ts'

/** A field that may be left out or null. */
function maybe<T extends TSchema>(schema: T) {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}

const text = (description: string, maxLength = 128) => Type.String({ minLength: 1, maxLength, description })

/** One event as a client sends it. */
export const eventInputSchema = Type.Object(
  {
    event_id: text('Unique id made by the client, 1–128 bytes: a resend counts once.'),
    user_id: text('The person, 1–128 bytes.'),
    item_id: maybe(text('The item; needed unless the type is search.')),
    type: Type.String({ enum: eventTypes.slice(1), description: 'What happened.' }),
    time: Type.String({ format: 'date-time', description: 'When it happened: RFC 3339 with its offset from UTC.' }),
    session_id: maybe(text('The client session.')),
    list_id: maybe(text('The list it followed from.')),
    position: maybe(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: '0-based position in that list.' })),
    rating: maybe(Type.Number({ minimum: 1, maximum: 5, description: 'Needed for the type rating.' })),
    price: maybe(Type.Number({ minimum: 0, description: 'Unit price; the catalogue fills it in.' })),
    quantity: maybe(Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, description: 'Pieces.' })),
    query: maybe(text('Text of a search.', 1000)),
    device: maybe(Type.String({ enum: [...devices], description: 'Device class.' })),
    region: maybe(text('Coarse region.')),
    time_zone: maybe(text('IANA time zone of the person.', 64)),
    category: maybe(Type.Array(text('One level.'), { maxItems: 16, description: 'Category path; the catalogue fills it in.' })),
    brand: maybe(text('Brand; the catalogue fills it in.')),
  },
  { additionalProperties: false },
)

export const eventsBodySchema = Type.Object(
  { events: Type.Array(eventInputSchema, { minItems: 1, maxItems: 500 }) },
  { additionalProperties: false },
)

export type EventInput = Static<typeof eventInputSchema>

/** The event of a request; category, brand and price come from the catalogue where the sender left them out. */
export function toUserEvent(input: EventInput, items: ItemTable): UserEvent {
  const item = input.item_id ? items.get(input.item_id) : undefined
  return {
    eventId: input.event_id,
    userId: input.user_id,
    itemId: input.item_id ?? null,
    type: input.type as UserEvent['type'],
    timeMs: Date.parse(input.time),
    sessionId: input.session_id ?? null,
    listId: input.list_id ?? null,
    position: input.position ?? null,
    rating: input.rating ?? null,
    price: input.price ?? item?.price ?? null,
    quantity: input.quantity ?? null,
    query: input.query ?? null,
    device: (input.device as UserEvent['device'] | null | undefined) ?? 'unknown',
    region: input.region ?? null,
    timeZone: input.time_zone ?? null,
    category: input.category ?? item?.category ?? [],
    brand: input.brand ?? item?.brand ?? null,
  }
}
