import { MillraceError } from './errors.ts'

/**
 * How far a task has applied its inputs: for each input the *next* offset to apply, and for each upstream partition of an
 * additive input (`topic/partition`) the next source offset. Absent means 0.
 */
export type Positions = Readonly<Record<string, number>>

/** The one canonical text of positions: sorted, so equal positions are equal text. */
export function encodePositions(positions: Positions): string {
  const parts: string[] = []
  for (const name of Object.keys(positions).sort()) parts.push(`${name}=${positions[name]}`)
  return parts.join(',')
}

/** Reads what `encodePositions` wrote; '' is {}. */
export function decodePositions(text: string): Positions {
  const positions: Record<string, number> = {}
  if (text === '') return positions
  for (const part of text.split(',')) {
    const at = part.lastIndexOf('=')
    const value = Number(part.slice(at + 1))
    if (at < 1 || !Number.isSafeInteger(value))
      throw new MillraceError('MILL_INVARIANT', `stored positions are broken: "${text}"`)
    positions[part.slice(0, at)] = value
  }
  return positions
}
