import { inferenceError } from '../schemas/inference-status.ts'
import { listModels, readModelFiles } from './model-files.ts'
import { ModelVersion, type SessionSettings } from './model-version.ts'

export type VersionState = 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING'

/** One line of the repository index. */
export interface IndexEntry {
  readonly model: string
  /** '' when the model has no version to name. */
  readonly version: string
  readonly state: VersionState
  readonly reason: string
}

/** What ran since the start, versions that have been swapped out included. */
export interface InferenceTotals {
  readonly requests: number
  readonly rows: number
  readonly batches: number
}

interface Entry {
  readonly versions: Map<number, { readonly served: ModelVersion; readonly fingerprint: string }>
  /** Why the newest load failed; '' if it did not. */
  reason: string
  loading: boolean
  /** Loads and unloads of one model happen one after another. */
  work: Promise<void>
}

/**
 * The models of one Triton-layout repository, loaded and swapped without a failed request: a new version opens beside the
 * old one, the pointer moves, the old one answers what it accepted and is released. A failed load keeps what was served.
 */
export class ModelRepository {
  readonly #directory: string
  readonly #settings: SessionSettings
  readonly #models = new Map<string, Entry>()
  readonly #retiring = new Map<ModelVersion, Promise<void>>()
  #retired: InferenceTotals = { requests: 0, rows: 0, batches: 0 }
  #loadedOnce = false
  #closed = false

  constructor(directory: string, settings: SessionSettings) {
    this.#directory = directory
    this.#settings = settings
  }

  /** Loads every model folder; one that fails is logged, stays in the index with its reason, and does not stop the others. */
  async loadAll(): Promise<void> {
    const names = await listModels(this.#directory)
    if (names.length === 0) this.#settings.logger.warn({ repository: this.#directory }, 'the model repository holds no model')
    await Promise.all(names.map((name) => this.load(name).catch(() => {})))
    this.#loadedOnce = true
  }

  /** True once every model of the folder was tried and the models that load are warm. */
  get loadedOnce(): boolean {
    return this.#loadedOnce
  }

  /**
   * Brings a model to what its folder says now; versions whose files did not change are kept.
   * Errors: status NOT_FOUND; `MILL_MODEL_INVALID` or `MILL_INFERENCE_INVALID` with the old versions still served.
   */
  load(name: string): Promise<void> {
    const entry = this.#models.get(name) ?? { versions: new Map(), reason: '', loading: false, work: Promise.resolve() }
    this.#models.set(name, entry)
    entry.loading = true
    return this.#afterOthers(entry, async () => {
      entry.loading = true
      try {
        await this.#load(name, entry)
        entry.reason = ''
      } catch (error) {
        entry.reason = error instanceof Error ? error.message : String(error)
        this.#settings.logger.error({ model: name, error: entry.reason }, 'the model did not load')
        if (entry.versions.size === 0 && (await listModels(this.#directory)).every((known) => known !== name))
          this.#models.delete(name)
        throw error
      } finally {
        entry.loading = false
      }
    })
  }

  /** Takes a model out of service; requests in flight are answered first. Errors: status NOT_FOUND. */
  unload(name: string): Promise<void> {
    const entry = this.#models.get(name)
    if (!entry) return Promise.reject(inferenceError('NOT_FOUND', `model "${name}" is not loaded`))
    return this.#afterOthers(entry, async () => {
      entry.reason = 'unloaded'
      await Promise.all([...entry.versions.keys()].map((version) => this.#retire(entry, version)))
    })
  }

  /** The version that answers a request; '' = the newest. Errors: status NOT_FOUND, or UNAVAILABLE while it loads or after it failed. */
  find(name: string, version: string): ModelVersion {
    const entry = this.#models.get(name)
    if (!entry && !this.#loadedOnce) throw inferenceError('UNAVAILABLE', 'the repository is loading')
    if (!entry) throw inferenceError('NOT_FOUND', `model "${name}" is not in the repository`)
    if (version !== '') {
      const served = entry.versions.get(Number(version))?.served
      if (served) return served
      if (entry.loading) throw inferenceError('UNAVAILABLE', `model "${name}" is loading`)
      const known = [...entry.versions.keys()].join(', ') || 'none'
      throw inferenceError('NOT_FOUND', `model "${name}" has no version "${version}"; served: ${known}`)
    }
    let newest = -1
    for (const number of entry.versions.keys()) newest = Math.max(newest, number)
    if (newest >= 0) return entry.versions.get(newest)!.served
    throw inferenceError('UNAVAILABLE', `model "${name}" ${entry.loading ? 'is loading' : `is not served: ${entry.reason}`}`)
  }

  /** Every version served now, by model name and version. */
  served(): readonly ModelVersion[] {
    const served: ModelVersion[] = []
    for (const name of [...this.#models.keys()].sort()) {
      const { versions } = this.#models.get(name)!
      for (const version of [...versions.keys()].sort((a, b) => a - b)) served.push(versions.get(version)!.served)
    }
    return served
  }

  /** Versions of one model that are served, ascending. */
  versionsOf(name: string): readonly string[] {
    return this.served()
      .filter((version) => version.model === name)
      .map((version) => version.version)
  }

  totals(): InferenceTotals {
    return [...this.served(), ...this.#retiring.keys()].reduce(addTotals, this.#retired)
  }

  /** Every model of the folder or in service, with its state. */
  async index(): Promise<readonly IndexEntry[]> {
    const lines: IndexEntry[] = []
    const names = new Set([...(await listModels(this.#directory)), ...this.#models.keys()])
    for (const model of [...names].sort()) {
      const entry = this.#models.get(model)
      const versions = [...(entry?.versions.keys() ?? [])].sort((a, b) => a - b)
      for (const version of versions) lines.push({ model, version: String(version), state: 'READY', reason: entry?.reason ?? '' })
      if (versions.length > 0) continue
      const retiring = [...this.#retiring.keys()].some((version) => version.model === model)
      const state = entry?.loading ? 'LOADING' : retiring ? 'UNLOADING' : 'UNAVAILABLE'
      lines.push({ model, version: '', state, reason: entry?.reason || (entry ? '' : 'unloaded') })
    }
    return lines
  }

  /** Resolves once no request waits or runs, loads in progress included. */
  async drain(): Promise<void> {
    await Promise.all([...this.#models.values()].map((entry) => entry.work.catch(() => {})))
    await Promise.all([...this.served().map((version) => version.drain()), ...this.#retiring.values()])
  }

  /** Answers everything accepted and releases every session. The caller has stopped taking requests. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#models.values()].map((entry) => entry.work.catch(() => {})))
    for (const entry of this.#models.values()) for (const version of [...entry.versions.keys()]) void this.#retire(entry, version)
    await Promise.all(this.#retiring.values())
  }

  #afterOthers(entry: Entry, work: () => Promise<void>): Promise<void> {
    const done = entry.work.catch(() => {}).then(work)
    entry.work = done
    return done
  }

  async #load(name: string, entry: Entry): Promise<void> {
    if (this.#closed) throw inferenceError('UNAVAILABLE', 'the inference worker is shutting down')
    const files = await readModelFiles(this.#directory, name)
    const opened = new Map<number, { served: ModelVersion; fingerprint: string }>()
    try {
      for (const { version, modelPath, config, fingerprint } of files.versions) {
        if (entry.versions.get(version)?.fingerprint === fingerprint) continue
        const served = await ModelVersion.open({ model: name, version, modelPath, config }, this.#settings)
        opened.set(version, { served, fingerprint })
      }
    } catch (error) {
      await Promise.all([...opened.values()].map(({ served }) => served.retire()))
      throw error
    }
    const wanted = new Set(files.versions.map(({ version }) => version))
    for (const version of entry.versions.keys())
      if (!wanted.has(version) || opened.has(version)) void this.#retire(entry, version)
    for (const [version, loaded] of opened) {
      entry.versions.set(version, loaded)
      this.#log(loaded.served)
    }
  }

  #log(served: ModelVersion): void {
    const { provider, providerReason } = served.info
    const fields = { model: served.model, version: served.version, sessions: served.sessions, provider }
    if (providerReason === '') this.#settings.logger.info(fields, 'the model is ready')
    else
      this.#settings.logger.warn({ ...fields, reason: providerReason }, 'the model is ready on the CPU: cuda does not work here')
  }

  /** Unhooks a version at once and lets it finish. */
  #retire(entry: Entry, version: number): Promise<void> {
    const { served } = entry.versions.get(version)!
    entry.versions.delete(version)
    const done = served.retire().finally(() => {
      this.#retiring.delete(served)
      this.#retired = addTotals(this.#retired, served)
    })
    this.#retiring.set(served, done)
    return done
  }
}

function addTotals(sum: InferenceTotals, { statistics }: ModelVersion): InferenceTotals {
  const { success, rows, batches } = statistics
  return { requests: sum.requests + success.count, rows: sum.rows + rows, batches: sum.batches + batches }
}
