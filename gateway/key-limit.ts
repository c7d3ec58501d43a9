import { createHash } from 'node:crypto'
import type { Clock } from '../ports/clock.ts'

/** Requests a second, and at once, per key (features.md F9.1). */
const perSecond = 100

interface Bucket {
  tokens: number
  filledMs: number
}

/** Known API keys with one token bucket each: 100 requests a second, 100 at once. */
export class KeyLimit {
  readonly #clock: Clock
  readonly #buckets = new Map<string, Bucket>()

  constructor(keys: readonly string[], clock: Clock) {
    this.#clock = clock
    for (const key of keys) this.#buckets.set(digest(key), { tokens: perSecond, filledMs: clock.elapsedMs() })
  }

  /** Takes one request: whether it may pass, is over the limit, or its key is not known. */
  take(key: string | undefined): 'pass' | 'limited' | 'unknown' {
    // Looked up by digest, so that the time of the answer says nothing about how much of a key was right.
    const bucket = key === undefined ? undefined : this.#buckets.get(digest(key))
    if (!bucket) return 'unknown'
    const nowMs = this.#clock.elapsedMs()
    bucket.tokens = Math.min(perSecond, bucket.tokens + ((nowMs - bucket.filledMs) * perSecond) / 1000)
    bucket.filledMs = nowMs
    if (bucket.tokens < 1) return 'limited'
    bucket.tokens -= 1
    return 'pass'
  }
}

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64')
}
