import { createRequire } from 'node:module'

interface Lz4 {
  compress(input: Uint8Array, maxSize?: number): Uint8Array
  decompress(input: Uint8Array, maxSize?: number): Uint8Array
}

const lz4 = createRequire(import.meta.url)('lz4js') as Lz4

/** Compresses into one LZ4 frame, as Kafka's record batches hold it. */
export function lz4Compress(bytes: Uint8Array): Buffer {
  return Buffer.from(lz4.compress(bytes))
}

/** Decompresses one LZ4 frame of Kafka's record batches. */
export function lz4Decompress(bytes: Uint8Array): Buffer {
  return Buffer.from(lz4.decompress(bytes))
}
