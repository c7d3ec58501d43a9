/**
 * A WebAssembly module that multiplies one vector with many, four numbers at a time: what V8 makes of the same loop in JavaScript
 * takes six times as long, for it knows no such instructions and widens every number to 64 bits.
 *
 * Exports `p(query, vectors, count, out)`, all byte addresses in the memory imported as `m.m`: writes the inner product of
 * the query with each of `count` ≥ 1 vectors (row-major, float32) to `out`. `width` is a multiple of 4. Instructions: WebAssembly
 * Core Specification 2.0, section 5.4.
 */
export function innerProductsModule(width: number): Uint8Array {
  const [query, vectors, count, out, end, sum] = [0, 1, 2, 3, 4, 5] as const
  const bytesPerRow = 4 * width
  const products: number[] = []
  for (let at = 0; at < bytesPerRow; at += 16) {
    products.push(...get(query), ...loadVector(at), ...get(vectors), ...loadVector(at), ...simd.multiply)
    if (at > 0) products.push(...simd.add)
  }
  const lanes = [...lane(0), ...get(sum), ...lane(1), op.add32f, ...get(sum), ...lane(2), op.add32f, ...get(sum), ...lane(3)]
  const body = [
    // end = vectors + count * bytesPerRow
    ...[...get(vectors), ...get(count), op.const32, ...signed(bytesPerRow), op.multiply32, op.add32, op.set, end],
    ...[op.loop, op.empty],
    ...[...get(out), ...products, op.tee, sum, ...lanes, op.add32f, op.store32f, 2, 0],
    ...[...get(out), op.const32, 4, op.add32, op.set, out],
    ...[...get(vectors), op.const32, ...signed(bytesPerRow), op.add32, op.tee, vectors],
    ...[...get(end), op.below32, op.branchIf, 0, op.end, op.end],
  ]
  const locals = [2, 1, type.i32, 1, type.v128]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 4, type.i32, type.i32, type.i32, type.i32, 0]),
    ...section(2, [1, 1, letter('m'), 1, letter('m'), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, letter('p'), 0, 0]),
    ...section(10, [1, ...sized([...locals, ...body])]),
  ])
}

const type = { i32: 0x7f, v128: 0x7b }
const op = {
  loop: 0x03,
  end: 0x0b,
  branchIf: 0x0d,
  empty: 0x40,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  store32f: 0x38,
  const32: 0x41,
  below32: 0x49,
  add32: 0x6a,
  multiply32: 0x6c,
  add32f: 0x92,
}
const simd = { add: [0xfd, 0xe4, 1], multiply: [0xfd, 0xe6, 1] }
const get = (local: number): number[] => [op.get, local]
const lane = (at: number): number[] => [0xfd, 0x1f, at]
/** Loads 16 bytes at an address plus `offset`; only 4-byte alignment is promised. */
const loadVector = (offset: number): number[] => [0xfd, 0, 2, ...unsigned(offset)]
const letter = (text: string): number => text.charCodeAt(0)
const sized = (bytes: readonly number[]): number[] => [...unsigned(bytes.length), ...bytes]
const section = (id: number, bytes: readonly number[]): number[] => [id, ...sized(bytes)]

/** LEB128, seven bits a byte, lowest first. */
function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return [...bytes, left]
    bytes.push((left & 0x7f) | 0x80)
  }
}

/** LEB128 of a positive number where a sign is expected: the highest bit of the last byte must stay free. */
function signed(value: number): number[] {
  const bytes: number[] = []
  for (let left = value; ; left >>>= 7) {
    if (left < 0x40) return [...bytes, left]
    bytes.push((left & 0x7f) | 0x80)
  }
}
