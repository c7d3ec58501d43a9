import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32c } from '../../connectors/kafka/crc32c.ts'
import {
  type RecordToWrite,
  readRecordBatches,
  recordBatchBytesMax,
  writeRecordBatch,
} from '../../connectors/kafka/record-batch.ts'

// The other implementation: kafkajs' own encoder and decoder.
const require = createRequire(import.meta.url)
const Decoder = require('kafkajs/src/protocol/decoder')
const decodeBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder')
const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0')
const Record = require('kafkajs/src/protocol/recordBatch/record/v0')
const theirCrc32c = require('kafkajs/src/protocol/recordBatch/crc32C') as (bytes: Buffer) => number

const nowMs = 1_700_000_000_000
const part = fc.option(
  fc.oneof(
    fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  ),
)
const records: fc.Arbitrary<RecordToWrite[]> = fc.array(
  fc.record(
    { key: part, value: part, timestamp: fc.integer({ min: 0, max: 2 ** 42 }).map(String) },
    { requiredKeys: ['key', 'value'] },
  ) as fc.Arbitrary<RecordToWrite>,
  { minLength: 1, maxLength: 200 },
)

function written(list: readonly RecordToWrite[]): Buffer {
  const bytes = Buffer.alloc(recordBatchBytesMax(list))
  return bytes.subarray(0, writeRecordBatch(bytes, 0, list, nowMs))
}

it('crc32c answers the check values of RFC 3720 and of the CRC catalogue', () => {
  expect(crc32c(Buffer.alloc(32), 0, 32)).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff), 0, 32)).toBe(0x62a8ab43)
  expect(crc32c(Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0, 32)).toBe(0x46dd794e)
  expect(crc32c(Buffer.from('..123456789.'), 2, 11)).toBe(0xe3069283)
})

it('crc32c equals the bytewise one at any length and place', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(20), (bytes, from) => {
      const at = Math.min(from, bytes.length)
      expect(crc32c(bytes, at, bytes.length)).toBe(theirCrc32c(Buffer.from(bytes.subarray(at))) >>> 0)
    }),
  )
})

it('what writeRecordBatch writes, kafkajs reads', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (list) => {
      const bytes = written(list)
      expect(bytes.readUInt32BE(17)).toBe(theirCrc32c(bytes.subarray(21)) >>> 0)
      const batch = await decodeBatch(new Decoder(bytes))
      expect(batch).toMatchObject({ lastOffsetDelta: list.length - 1, producerId: '-1', inTransaction: false })
      for (const [index, record] of batch.records.entries()) {
        expect(record.offset).toBe(String(index))
        expect(record.timestamp).toBe(list[index]!.timestamp ?? String(nowMs))
        expect(record.key).toEqual(list[index]!.key)
        expect(record.value).toEqual(list[index]!.value)
      }
      expect(batch.records).toHaveLength(list.length)
    }),
  )
})

it('what kafkajs writes, readRecordBatches reads, up to a batch that was cut', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(), async (list, cut) => {
      const encoded = await RecordBatch({
        records: list.map((record, offsetDelta) =>
          Record({ ...record, offsetDelta, timestampDelta: Number(record.timestamp ?? nowMs) - nowMs, headers: { trace: 'x' } }),
        ),
        firstTimestamp: nowMs,
        maxTimestamp: nowMs,
        lastOffsetDelta: list.length - 1,
      })
      const first: Buffer = encoded.buffer
      const second = Buffer.from(first)
      second.writeBigInt64BE(5_000_000_000n, 0)
      const both = Buffer.concat([first, second])
      const batches = await readRecordBatches(both, () => null)
      expect(batches.map(({ nextOffset }) => nextOffset)).toEqual([list.length, 5_000_000_000 + list.length])
      for (const [index, record] of batches[1]!.records.entries()) {
        expect(record.offset).toBe(5_000_000_000 + index)
        expect(record.timestampMs).toBe(Number(list[index]!.timestamp ?? nowMs))
        expect(record.key).toBe(list[index]!.key === null ? null : list[index]!.key!.toString())
        expect(record.value).toEqual(list[index]!.value)
      }
      const shorter = both.subarray(0, both.length - 1 - (cut % first.length))
      expect(await readRecordBatches(shorter, () => null)).toEqual(batches.slice(0, 1))
    }),
  )
})

it('bytes that are no record batch are refused, never read beyond', async () => {
  const good = written([{ key: 'k', value: Buffer.from('value') }])
  const oldMagic = Buffer.from(good)
  oldMagic[16] = 1
  await expect(readRecordBatches(oldMagic, () => null)).rejects.toThrow('magic 1')
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 57, max: good.length - 1 }), fc.nat(255), async (at, byte) => {
      const bytes = Buffer.from(good)
      bytes[at] = byte
      bytes.writeInt32BE(1, 57)
      await readRecordBatches(bytes, () => null).catch((error) => expect(error.message).toMatch(/does not fit/))
    }),
  )
})
