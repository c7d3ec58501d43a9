import { invariant } from '../core/invariant.ts'

/**
 * Sums per tile of event time (hour tiles, day tiles): a window is then a few additions, and events may come in any order.
 * Only tiles in which something happened are kept, oldest first.
 */
export interface Tiles {
  /** Tile numbers, floor(timeMs / tileMs), ascending. */
  indices: number[]
  /** `width` sums per tile, tile by tile: values[tile · width + column]. */
  values: number[]
}

/** The shape of `Tiles`; the same for every call on one of them. */
export interface TilesShape {
  /** Length of a tile, ms. */
  readonly tileMs: number
  /** Tiles reaching back from the newest one that are kept: ⌈longest window / tileMs⌉ + 1. */
  readonly tilesMax: number
  /** Sums per tile. */
  readonly width: number
}

/** No tiles. */
export function emptyTiles(): Tiles {
  return { indices: [], values: [] }
}

/**
 * Adds `amount` to one `column` of the tile of `timeMs`, in place, and drops what is more than `tilesMax` tiles behind the
 * newest event. Returns false, changing nothing, when the event itself is that old.
 */
export function addToTiles(tiles: Tiles, timeMs: number, column: number, amount: number, shape: TilesShape): boolean {
  const { width } = shape
  invariant(column >= 0 && column < width, 'tiles: the column must lie in [0, width)')
  const index = Math.floor(timeMs / shape.tileMs)
  const count = tiles.indices.length
  const newest = count === 0 ? index : tiles.indices[count - 1]!
  if (index <= newest - shape.tilesMax) return false
  const at = placeOf(tiles.indices, index)
  if (tiles.indices[at] !== index) {
    tiles.indices.splice(at, 0, index)
    tiles.values.splice(at * width, 0, ...new Array<number>(width).fill(0))
  }
  tiles.values[at * width + column]! += amount
  if (index > newest) dropBefore(tiles, index - shape.tilesMax + 1, width)
  return true
}

/**
 * Sums of all columns over (nowMs − windowMs, nowMs], to the precision of a tile: the tile of `nowMs` and the
 * ⌈windowMs / tileMs⌉ − 1 tiles before it. Later tiles do not count. Writes into `out` (length ≥ width) if given.
 */
export function sumTiles(
  tiles: Tiles,
  nowMs: number,
  windowMs: number,
  shape: TilesShape,
  out = new Float64Array(shape.width),
): Float64Array {
  const last = Math.floor(nowMs / shape.tileMs)
  const first = last - Math.ceil(windowMs / shape.tileMs) + 1
  out.fill(0)
  for (let at = tiles.indices.length - 1; at >= 0; at--) {
    const index = tiles.indices[at]!
    if (index > last) continue
    if (index < first) break
    for (let column = 0; column < shape.width; column++) out[column]! += tiles.values[at * shape.width + column]!
  }
  return out
}

/** Drops the tiles that no window ending at `nowMs` or later can reach; true if any went. */
export function expireTiles(tiles: Tiles, nowMs: number, shape: TilesShape): boolean {
  return dropBefore(tiles, Math.floor(nowMs / shape.tileMs) - shape.tilesMax + 1, shape.width)
}

/** When the sums over `windowMs` change next if nothing more happens: the ms at which the oldest tile inside leaves; null if none. */
export function nextTileExpiryMs(tiles: Tiles, nowMs: number, windowMs: number, shape: TilesShape): number | null {
  const length = Math.ceil(windowMs / shape.tileMs)
  const first = Math.floor(nowMs / shape.tileMs) - length + 1
  for (const index of tiles.indices) if (index >= first) return (index + length) * shape.tileMs
  return null
}

/** First place whose tile is `index` or later; nearly always the end. */
function placeOf(indices: readonly number[], index: number): number {
  let at = indices.length
  while (at > 0 && indices[at - 1]! >= index) at--
  return at
}

function dropBefore(tiles: Tiles, first: number, width: number): boolean {
  let gone = 0
  while (gone < tiles.indices.length && tiles.indices[gone]! < first) gone++
  if (gone === 0) return false
  tiles.indices.splice(0, gone)
  tiles.values.splice(0, gone * width)
  return true
}
