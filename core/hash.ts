/** Texts up to this many UTF-16 units are hashed in memory that is kept. */
const scratchUnitsMax = 4_096
const encoder = new TextEncoder()
const scratch = new Uint8Array(scratchUnitsMax * 3)

/** FNV-1a over UTF-8, 32 bits unsigned. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 127) return fnv1a32Of(encoder.encode(text))
    hash = Math.imul(hash ^ unit, 0x01000193)
  }
  return hash >>> 0
}

/** FNV-1a over UTF-16 units, 32 bits unsigned, as GrowthBook's clients hash: that of `fnv1a32` where all is ASCII, and only there. */
export function fnv1a32Units(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}

/**
 * 48 bits of a text, an integer in [0, 2^48), to tell texts apart by: among n others one is taken for the same once in 2^48 / n
 * times. Two lanes of multiply and rotate over the UTF-16 units, mixed at the end with the finalizer of murmur3.
 */
export function hash48(text: string): number {
  let low = 0x9e3779b9 ^ text.length
  let high = 0x7f4a7c15
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    low = Math.imul(low ^ unit, 0x85ebca77)
    low = (low << 13) | (low >>> 19)
    high = Math.imul(high ^ unit, 0xc2b2ae3d)
    high = (high << 17) | (high >>> 15)
  }
  const mixed = mix(low ^ Math.imul(high, 0x27d4eb2f))
  return (mix(high + Math.imul(mixed, 0x165667b1)) & 0xffff) * 0x1_0000_0000 + (mixed >>> 0)
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return mixed ^ (mixed >>> 16)
}

/** murmur2 over UTF-8, as `murmur2` has it over bytes. */
export function murmur2Text(text: string): number {
  if (text.length > scratchUnitsMax) return murmur2(encoder.encode(text))
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 127) return murmur2(scratch, encoder.encodeInto(text, scratch).written)
    scratch[i] = unit
  }
  return murmur2(scratch, text.length)
}

/**
 * murmur2 of the first `length` bytes as Kafka's Java client computes it (org.apache.kafka.common.utils.Utils.murmur2), as a
 * signed 32-bit number.
 */
export function murmur2(bytes: Uint8Array, length: number = bytes.length): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  const end = length & ~3
  for (let i = 0; i < end; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const rest = length & 3
  if (rest === 3) h ^= bytes[end + 2]! << 16
  if (rest >= 2) h ^= bytes[end + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ bytes[end]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

function fnv1a32Of(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193)
  return hash >>> 0
}
