import type { ListEntry, ListVersion } from '../../ports/list-store.ts'

/** Served lists under the guarded swap of ports/list-store.ts, which a witness watches. */
export class SimulatedLists {
  readonly broken: string[] = []
  readonly #stored = new Map<string, { value: string; version: ListVersion }>()

  swap(entries: readonly ListEntry[]): boolean[] {
    return entries.map(({ key, value, companions = [], version }) => {
      const stored = this.#stored.get(key)?.version
      const newer =
        !stored || version.epoch > stored.epoch || (version.epoch === stored.epoch && version.position > stored.position)
      if (!newer) return false
      for (const one of [{ key, value }, ...companions]) {
        if (!one.value.startsWith(`{"version":[${version.epoch},${version.position}]`))
          this.broken.push(`list ${one.key} does not begin with its version`)
        this.#stored.set(one.key, { value: one.value, version })
      }
      return true
    })
  }

  get(key: string): string | null {
    return this.#stored.get(key)?.value ?? null
  }

  /** Values by key, without their versions: those depend on who wrote them. */
  contents(): Map<string, string> {
    const contents = new Map<string, string>()
    for (const [key, { value }] of this.#stored) contents.set(key, value.replace(/^\{"version":\[\d+,\d+\],/, '{'))
    return contents
  }
}
