import type { Item } from '../../schemas/item.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import type { UserProfile } from '../../schemas/user-profile.ts'
import type { ImportRecord } from './import-format.ts'
import type { RowPlace } from './map-files.ts'

const timeMsMax = Date.UTC(2100, 0, 1)
const idBytesMax = 128

/** What every imported event has; the other fields are null unless given. */
export type ImportedEvent = Pick<UserEvent, 'eventId' | 'userId' | 'itemId' | 'type' | 'timeMs'> & Partial<UserEvent>

/** An event as a record, keyed by its user. */
export function eventRecord(event: ImportedEvent): ImportRecord {
  return {
    topic: 'user-events',
    key: event.userId,
    value: {
      eventId: event.eventId,
      userId: event.userId,
      itemId: event.itemId,
      type: event.type,
      timeMs: event.timeMs,
      sessionId: event.sessionId ?? null,
      listId: event.listId ?? null,
      position: event.position ?? null,
      rating: event.rating ?? null,
      price: event.price ?? null,
      quantity: event.quantity ?? null,
      query: event.query ?? null,
      device: event.device ?? 'unknown',
      region: event.region ?? null,
      timeZone: event.timeZone ?? null,
      category: event.category ?? [],
      brand: event.brand ?? null,
    },
  }
}

/** An item as a record. Files rarely have all of it: price and margin 0, stock not counted, title = id unless given. */
export function itemRecord(item: Pick<Item, 'itemId' | 'createdMs'> & Partial<Item>): ImportRecord {
  return {
    topic: 'items',
    key: item.itemId,
    value: {
      itemId: item.itemId,
      title: item.title || item.itemId,
      description: item.description ?? '',
      category: item.category ?? [],
      tags: item.tags ?? [],
      brand: item.brand ?? null,
      price: item.price ?? 0,
      margin: item.margin ?? 0,
      stock: item.stock ?? null,
      createdMs: item.createdMs,
      imageUrl: item.imageUrl ?? null,
      listPrice: item.listPrice ?? null,
      sellerRating: item.sellerRating ?? null,
      releasedMs: item.releasedMs ?? null,
    },
  }
}

/** A profile as a record. */
export function userRecord(profile: Pick<UserProfile, 'userId' | 'updatedMs'> & Partial<UserProfile>): ImportRecord {
  return {
    topic: 'users',
    key: profile.userId,
    value: {
      userId: profile.userId,
      ageGroup: profile.ageGroup ?? 'unknown',
      gender: profile.gender ?? null,
      region: profile.region ?? null,
      preferredCategories: profile.preferredCategories ?? [],
      consent: profile.consent ?? true,
      updatedMs: profile.updatedMs,
    },
  }
}

/** An id that stays the same when the row is imported again: from the format, the file's name, the line and its content. */
export function rowEventId(format: string, { file, line }: RowPlace, fields: readonly string[]): string {
  let hash = 0x811c9dc5
  for (let f = 0; f < fields.length; f++) {
    const field = fields[f]!
    for (let i = 0; i < field.length; i++) hash = Math.imul(hash ^ field.charCodeAt(i), 0x01000193)
    hash = Math.imul(hash ^ 0x1f, 0x01000193)
  }
  return `${format}:${file.name.slice(0, 64)}:${line}:${(hash >>> 0).toString(36)}`
}

/** Why an id cannot be one (1–128 bytes), or null. */
export function idFault(name: string, id: string | undefined): string | null {
  if (id === undefined || id === '') return `${name} is missing`
  if (id.length * 3 <= idBytesMax || Buffer.byteLength(id) <= idBytesMax) return null
  return `${name} has more than ${idBytesMax} bytes`
}

/** Why a time cannot be one (1970–2100), or null. */
export function timeFault(name: string, text: string | undefined, timeMs: number): string | null {
  if (timeMs > 0 && timeMs < timeMsMax) return null
  return `${name} "${text ?? ''}" is no time between 1970 and 2100; is the unit right?`
}
