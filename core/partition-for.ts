import { murmur2 } from './hash.ts'

const encoder = new TextEncoder()

/** The partition of a key: Kafka's default partitioner (murmur2, sign bit cleared), so foreign producers agree with us. */
export function partitionFor(key: string, partitions: number): number {
  return (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions
}
