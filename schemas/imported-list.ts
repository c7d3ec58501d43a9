import { eventIdBytesMax, isEventId } from './event-fault.ts'

/** Most items of an imported list. */
export const importedItemsMax = 200

const namePattern = /^[A-Za-z0-9._-]{1,64}$/
const lineFields = ['userId', 'items', 'scores']
const example = '{"userId": "u1", "items": ["i1", "i2"]}'

/** What another vendor's lists were imported as, in words, where a name of them is wrong. */
export const importedNameWords = 'write 1–64 letters, digits, dots, dashes or underscores'

/** The policy of a variant whose people are shown the lists imported as `name`. */
export type ImportedPolicy = `imported:${string}`

/** What the lists were imported as that a policy shows; null for a policy that shows none. */
export function importedName(policy: string | null): string | null {
  const name = policy?.startsWith('imported:') ? policy.slice('imported:'.length) : ''
  return isImportedName(name) ? name : null
}

/** Whether lists may be imported as that. */
export function isImportedName(name: string): boolean {
  return namePattern.test(name)
}

/** Items of one list, best first, with the vendor's scores if there are any. */
export interface ImportedItems {
  readonly items: readonly string[]
  readonly scores: readonly number[] | null
}

/** A person's imported list; the epoch of its version is its import. */
export interface ImportedList extends ImportedItems {
  readonly userId: string
}

/**
 * One import of lists, and its list for people without one of their own (no items = none). It is written after all of its lists: one of
 * an earlier epoch is of an import before and holds no more.
 */
export interface ListImport extends ImportedItems {
  readonly name: string
  readonly surface: string
  /** Lists of persons. */
  readonly lists: number
  readonly refusedLines: number
  readonly importedMs: number
  /** Until when its lists are shown. */
  readonly expiresMs: number
}

/** One line of an import; without a person it is the list for everybody else. */
export interface ImportedLine extends ImportedItems {
  readonly userId: string | null
}

/** Reads one line of an import, or says what is wrong with it and how to mend it. */
export function importedLineOf(text: string): ImportedLine | string {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return `it is no JSON (${(error as Error).message}); write one object per line, e.g. ${example}`
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `it is no object; write e.g. ${example}`
  const { userId = null, items, scores = null } = value as Record<string, unknown>
  const unknown = Object.keys(value).find((field) => !lineFields.includes(field))
  if (unknown !== undefined) return `field "${unknown}" is unknown; there are ${lineFields.join(', ')}`
  const id = `a text of 1–${eventIdBytesMax} bytes`
  if (userId !== null && !isIdText(userId)) return `field "userId" must be ${id}; without it the list is for everybody else`
  if (!Array.isArray(items) || items.length === 0 || items.length > importedItemsMax)
    return `field "items" must be a list of 1–${importedItemsMax} item ids, best first`
  const wrong = items.findIndex((item) => !isIdText(item))
  if (wrong >= 0) return `field "items": number ${wrong + 1} must be ${id}`
  if (scores !== null && !(Array.isArray(scores) && scores.length === items.length && scores.every(Number.isFinite)))
    return 'field "scores" must have one number for each item; or leave it out'
  return { userId, items, scores }
}

function isIdText(value: unknown): value is string {
  return typeof value === 'string' && isEventId(value)
}
