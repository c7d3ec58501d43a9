import { fnv1a32 } from '../core/hash.ts'

/** What the text model reads of an item. */
export interface ItemText {
  readonly title: string
  readonly description: string
  readonly category: readonly string[]
  readonly tags: readonly string[]
  readonly brand: string | null
}

/** Terms of an item that count: the width of the model's input. */
export const termRowsWidth = 128
/** Lengths of the pieces of a word. */
const pieceSizes = [3, 4]

/** Terms of an item in the standard form of models/training/millrace_training/text_encoder.py, line by line the same. */
export function itemTerms({ brand, category, tags, title, description }: ItemText): string[] {
  return [
    ...(brand ? [`b:${plain(brand)}`] : []),
    ...category.map((name) => `c:${plain(name)}`),
    ...tags.map((name) => `t:${plain(name)}`),
    ...textTerms(title),
    ...textTerms(description),
  ]
}

/** Writes the rows of the first different terms from `at` on, 0 behind them: `termRowsWidth` numbers. */
export function writeTermRows(out: BigInt64Array, at: number, terms: readonly string[], buckets: number): void {
  const rows = new Set<number>()
  for (const term of terms) {
    if (rows.size === termRowsWidth) break
    rows.add(1 + (fnv1a32(term) % buckets))
  }
  out.fill(0n, at, at + termRowsWidth)
  let next = at
  for (const row of rows) out[next++] = BigInt(row)
}

/** Words of a text, each followed by its pieces; lengths are counted in code points. */
function textTerms(text: string): string[] {
  const terms: string[] = []
  for (const [word] of plain(text).matchAll(/[\p{L}\p{N}]+/gu)) {
    const letters = ['<', ...word, '>']
    terms.push(letters.join(''))
    for (const size of pieceSizes)
      for (let at = 0; at + size <= letters.length; at++) terms.push(letters.slice(at, at + size).join(''))
  }
  return terms
}

function plain(text: string): string {
  return text.normalize('NFKC').toLowerCase()
}
