/** A sequence model of a model repository (models/training/README.md), as far as an evaluation must know it. */
export interface TrainedModel {
  /** Name in the repository, which is its name as an algorithm. */
  readonly name: string
  /** The version that is served. */
  readonly version: string
  /** Item ids; the item of row r is `items[r - 1]`. */
  readonly items: readonly string[]
  /** Items looked back at: columns of `item_sequence`. */
  readonly length: number
  /** What it was learned from. */
  readonly training: TrainingRange
}

/** What a model has seen, from its run.json. */
export interface TrainingRange {
  /** Newest event of the files it was learned from, ms; 0 where those carry no times. */
  readonly toMs: number
  /** How the files were split, in words. */
  readonly split: string
  /** SHA-256 of each file, hexadecimal. */
  readonly digests: readonly string[]
}

/** What is about to be judged. */
export interface JudgedRange {
  /** Time of the first judged event, ms. */
  readonly firstMs: number
  /** Whether it is the last event of each person, the one that sequence models leave out. */
  readonly isLastOfEach: boolean
  /** SHA-256 of the data's files, hexadecimal. */
  readonly digests: readonly string[]
}

/**
 * Why a model must not be judged here, or null if it may: it has to be older than everything that is judged, or, where its files
 * carry no times, be learned from these very files but for the last item of each person.
 */
export function leakOf({ training }: TrainedModel, judged: JudgedRange): string | null {
  const { toMs, digests, split } = training
  if (toMs > 0) {
    if (toMs < judged.firstMs) return null
    return `its files reach to ${isoOf(toMs)}, and what is judged begins at ${isoOf(judged.firstMs)}: judge later events`
  }
  if (digests.length === 0 || !digests.every((digest) => judged.digests.includes(digest)))
    return 'it was learned from other files without times, so nobody can tell what it has seen: judge it on its own files'
  if (judged.isLastOfEach) return null
  return `it was learned from these files (${split}): only --protocol leave-last-out --part test asks for what it has not seen`
}

function isoOf(timeMs: number): string {
  return new Date(timeMs).toISOString()
}
