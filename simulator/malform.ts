import type { ErrorCode } from '../core/errors.ts'
import { invariant } from '../core/invariant.ts'
import { createRandom, type Random } from '../core/random.ts'
import type { UserEvent } from '../schemas/user-event.ts'

/** Ahead of any clock, simulated or real. */
const farFutureMs = Date.UTC(2100, 0, 1)
/** An id that no registry has given out. */
const unknownSchemaId = 2_000_000_001

/** A record that must end in `dead-letters`. */
export interface MalformedRecord {
  readonly topic: 'user-events'
  readonly key: string
  /** What to put into the log. */
  readonly bytes: Uint8Array
  /** The value inside, null where the bytes hold none. */
  readonly value: UserEvent | null
  /** What is wrong, e.g. `rating-too-high`. */
  readonly kind: MalformedKind
  /** Code its dead letter must carry. */
  readonly code: ErrorCode
}

type BreakBytes = (good: Uint8Array, random: Random) => Uint8Array
type BreakValue = (event: UserEvent) => UserEvent

/** Ways to break the bytes: with the code each must be refused with. */
const bytesKinds = {
  'random-bytes': ['MILL_SCHEMA_MISMATCH', (_good, random) => randomBytes(random)],
  'empty-bytes': ['MILL_SCHEMA_MISMATCH', () => new Uint8Array(0)],
  'truncated-avro': ['MILL_SCHEMA_MISMATCH', (good) => good.slice(0, 5 + Math.floor((good.length - 5) / 2))],
  'wrong-schema-id': ['MILL_SCHEMA_UNKNOWN', (good) => withSchemaId(good, unknownSchemaId)],
} as const satisfies Record<string, readonly [ErrorCode, BreakBytes]>

/** Ways to break a rule of features.md F1.5; all are refused with MILL_RECORD_INVALID. */
const valueKinds = {
  'unknown-type': (event) => ({ ...event, type: 'unknown' }),
  'missing-event-id': (event) => ({ ...event, eventId: '' }),
  'missing-user-id': (event) => ({ ...event, userId: '' }),
  'missing-item': (event) => ({ ...event, type: 'view', itemId: null }),
  'long-event-id': (event) => ({ ...event, eventId: 'x'.repeat(129) }),
  'far-future': (event) => ({ ...event, timeMs: farFutureMs }),
  'negative-price': (event) => ({ ...event, price: -1 }),
  'negative-quantity': (event) => ({ ...event, quantity: -2 }),
  'rating-too-high': (event) => ({ ...event, type: 'rating', itemId: event.itemId ?? 'i1', rating: 9 }),
  'search-without-query': (event) => ({ ...event, type: 'search', itemId: null, query: null }),
} as const satisfies Record<string, BreakValue>

export type MalformedKind = keyof typeof bytesKinds | keyof typeof valueKinds

/** All kinds, in the order in which they take turns. */
export const malformedKinds: readonly MalformedKind[] = [
  ...(Object.keys(bytesKinds) as (keyof typeof bytesKinds)[]),
  ...(Object.keys(valueKinds) as (keyof typeof valueKinds)[]),
]

/**
 * Makes `count` malformed records out of good events, the kinds taking turns, each under its own event id and the key of its
 * model. `encode` writes an event in the wire format (`wire.encode('user-events', event)`). The same seed gives the same records.
 * `events` must hold one at least.
 */
export function* malform(
  events: readonly UserEvent[],
  options: { readonly count: number; readonly seed: string | number; readonly encode: (event: UserEvent) => Uint8Array },
): Generator<MalformedRecord> {
  invariant(events.length > 0 || options.count === 0, 'malform needs at least one good event as a model')
  const random = createRandom(`${options.seed}/malform`)
  for (let i = 0; i < options.count; i++) {
    const model = { ...events[random.below(events.length)]!, eventId: `malformed-${options.seed}-${i}` }
    const kind = malformedKinds[i % malformedKinds.length]!
    if (kind in bytesKinds) {
      const [code, breakBytes] = bytesKinds[kind as keyof typeof bytesKinds]
      const bytes = breakBytes(options.encode(model), random)
      yield { topic: 'user-events', key: model.userId, bytes, value: null, kind, code }
    } else {
      const value = valueKinds[kind as keyof typeof valueKinds](model)
      yield { topic: 'user-events', key: model.userId, bytes: options.encode(value), value, kind, code: 'MILL_RECORD_INVALID' }
    }
  }
}

/** 6–60 bytes, the first of which is not the wire format's 0. */
function randomBytes(random: Random): Uint8Array {
  const bytes = Uint8Array.from({ length: 6 + random.below(55) }, () => random.below(256))
  bytes[0] = 1 + random.below(255)
  return bytes
}

function withSchemaId(good: Uint8Array, id: number): Uint8Array {
  const bytes = new Uint8Array(good)
  new DataView(bytes.buffer).setUint32(1, id)
  return bytes
}
