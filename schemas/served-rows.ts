/**
 * Rows of model inputs of one list, packed: what is the same in all of them - all that follows from the person, mostly - is kept once.
 * Texts are base64 of little-endian float32, but `varying`, which has a bit per column.
 */
export interface ServedRows {
  /** The first row; absent without rows, and in lists of earlier versions, whose `features` are whole rows. */
  readonly first?: string
  /** Bit c % 8 of byte ⌊c / 8⌋: whether column c differs between rows. */
  readonly varying?: string
  /** By item id, the columns that differ. */
  readonly features: Readonly<Record<string, string>>
}

/** Packs rows of one width by item id. */
export function packRows(rows: ReadonlyMap<string, Float32Array>): ServedRows {
  const [first] = rows.values()
  if (first === undefined) return { features: {} }
  const columns: number[] = []
  const varying = new Uint8Array(Math.ceil(first.length / 8))
  for (let column = 0; column < first.length; column++) {
    let differs = false
    for (const row of rows.values()) if (!Object.is(row[column], first[column])) differs = true
    if (!differs) continue
    columns.push(column)
    varying[column >> 3]! |= 1 << (column & 7)
  }
  const features: Record<string, string> = {}
  const own = new Float32Array(columns.length)
  for (const [itemId, row] of rows) {
    for (let at = 0; at < columns.length; at++) own[at] = row[columns[at]!]!
    features[itemId] = base64Of(own)
  }
  return { first: base64Of(first), varying: Buffer.from(varying).toString('base64'), features }
}

/** The bytes of an item's row, little-endian float32; null where none was kept. */
export function unpackRow({ first, varying, features }: ServedRows, itemId: string): Buffer | null {
  const own = features[itemId]
  if (own === undefined) return null
  const differing = Buffer.from(own, 'base64')
  if (first === undefined || varying === undefined) return differing
  const row = Buffer.from(first, 'base64')
  const bits = Buffer.from(varying, 'base64')
  let from = 0
  for (let column = 0; column * 4 < row.length; column++)
    if (bits[column >> 3]! & (1 << (column & 7))) {
      differing.copy(row, column * 4, from, from + 4)
      from += 4
    }
  return row
}

/** Base64 of numbers as they lie in memory. */
export function base64Of(values: Float32Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}
