import type { ListEntry, ListStore } from '../../ports/list-store.ts'

/** A list store that keeps the newest text per key in memory: one writer per key, so no version is ever refused. Nothing expires. */
export class ListTexts implements ListStore {
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

  remove(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#texts.delete(key)
    return Promise.resolve()
  }

  keys(prefix: string, limit: number): Promise<readonly string[]> {
    return Promise.resolve([...this.#texts.keys()].filter((key) => key.startsWith(prefix)).slice(0, limit))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
