import { murmur2Text } from './hash.ts'

/** The partition of a key: Kafka's default partitioner (murmur2, sign bit cleared), so foreign producers agree with us. */
export function partitionFor(key: string, partitions: number): number {
  return (murmur2Text(key) & 0x7fffffff) % partitions
}
