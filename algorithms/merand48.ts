/**
 * The replayable uniform number of Vowpal Wabbit: one step of a 64-bit congruential generator, 23 bits of it as a float in
 * [0, 1). The same seed gives the same number for ever, so a decision can be drawn again from its log.
 */
export function merand48(seed: bigint): number {
  const state = BigInt.asUintN(64, 0xeece66d5deece66dn * seed + 2147483647n)
  const bits = new Uint32Array([Number((state >> 25n) & 0x7fffffn) | (127 << 23)])
  return new Float32Array(bits.buffer)[0]! - 1
}
