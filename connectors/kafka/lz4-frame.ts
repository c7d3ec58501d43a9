import { createRequire } from 'node:module'

interface Lz4 {
  compressBound(size: number): number
  /** Answers the compressed size, 0 where the block does not shrink. */
  compressBlock(input: Uint8Array, output: Uint8Array, at: number, length: number, hashTable: Uint32Array): number
  decompress(input: Uint8Array, maxSize?: number): Uint8Array
}

const lz4 = createRequire(import.meta.url)('lz4js') as Lz4

const blockBytesMax = 64 * 1024
const hashTableSize = 1 << 16
const notCompressed = 0x8000_0000
/** Magic number, flags (version 1, independent blocks, no checksums), block size (64 KiB) and the checksum of these two bytes. */
const header = Uint8Array.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82])

/**
 * Compresses into one LZ4 frame as Kafka's brokers take it: they refuse blocks that depend on each other, which is all that lz4js'
 * own frame writer makes.
 */
export function lz4Compress(bytes: Uint8Array): Buffer {
  const blocks = Math.ceil(bytes.length / blockBytesMax)
  const output = Buffer.alloc(header.length + blocks * (4 + lz4.compressBound(blockBytesMax)) + 4)
  output.set(header)
  let at = header.length
  const hashTable = new Uint32Array(hashTableSize)
  for (let from = 0; from < bytes.length; from += blockBytesMax) {
    const block = bytes.subarray(from, from + blockBytesMax)
    hashTable.fill(0) // What it remembers would tie this block to the one before.
    const size = lz4.compressBlock(block, output.subarray(at + 4), 0, block.length, hashTable)
    const shrank = size > 0 && size < block.length
    if (!shrank) output.set(block, at + 4)
    output.writeUInt32LE(shrank ? size : (block.length | notCompressed) >>> 0, at)
    at += 4 + (shrank ? size : block.length)
  }
  output.writeUInt32LE(0, at) // End mark.
  return output.subarray(0, at + 4)
}

/** Decompresses one LZ4 frame of Kafka's record batches. */
export function lz4Decompress(bytes: Uint8Array): Buffer {
  const { buffer, byteOffset, byteLength } = lz4.decompress(bytes)
  return Buffer.from(buffer, byteOffset, byteLength)
}
