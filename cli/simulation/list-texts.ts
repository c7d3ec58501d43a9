import type { ListEntry, ListStore } from '../../ports/list-store.ts'

/** A list store that keeps the newest text per key in memory: one writer per key, so no version is ever refused. Nothing expires. */
export class ListTexts implements Pick<ListStore, 'swap' | 'get'> {
  readonly #texts = new Map<string, string>()

  /** The text of a key, null where absent. */
  text(key: string): string | null {
    return this.#texts.get(key) ?? null
  }

  swap(entries: readonly ListEntry[]): Promise<readonly boolean[]> {
    for (const entry of entries) for (const { key, value } of [entry, ...(entry.companions ?? [])]) this.#texts.set(key, value)
    return Promise.resolve(entries.map(() => true))
  }

  get(keys: readonly string[]): Promise<readonly (string | null)[]> {
    return Promise.resolve(keys.map((key) => this.text(key)))
  }
}
