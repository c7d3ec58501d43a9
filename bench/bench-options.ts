import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceKind } from '../cli/services/service.ts'
import { startServices } from '../cli/services/services.ts'

/** Addresses of running services by kind; asking for one that was not started is an error. */
export type Addresses = Readonly<Record<ServiceKind, string>>

/** What a benchmark is given: its options, a folder of its own, services, and a way to tell how far it is. */
export class BenchOptions {
  readonly #values: Readonly<Record<string, string>>
  readonly #asked = new Set<string>()
  readonly #closing: (() => Promise<unknown>)[] = []
  #folder: string | undefined
  readonly #say: (line: string) => void

  /** `values`: what followed `--` on the command line, by name. `say`: takes progress lines. */
  constructor(values: Readonly<Record<string, string>> = {}, say: (line: string) => void = () => {}) {
    this.#values = values
    this.#say = say
  }

  /** A number from `--name N`. Errors: it is no number above 0. */
  number(name: string, fallback: number): number {
    const text = this.text(name, String(fallback))
    const value = Number(text)
    if (text.trim() === '' || !(value > 0) || !Number.isFinite(value))
      throw new Error(`--${name} must be a number above 0, not "${text}"`)
    return value
  }

  /** Text from `--name TEXT`. */
  text(name: string, fallback: string): string {
    this.#asked.add(name)
    return this.#values[name] ?? fallback
  }

  /** Options that were given and that the benchmark never asked for: a misspelt one must not pass for a measured one. */
  get unknown(): readonly string[] {
    return Object.keys(this.#values).filter((name) => !this.#asked.has(name))
  }

  /** A folder of this run, removed at its end. */
  get folder(): string {
    if (this.#folder === undefined) {
      const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
      this.#folder = folder
      this.#closing.unshift(async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
    }
    return this.#folder
  }

  /** Tells how far the run is; on stderr, so that stdout stays the result. */
  say(line: string): void {
    this.#say(line)
  }

  /** Starts real services at free ports below `folder`; they stop at the end of the run. Errors: `MILL_SERVICE_START`. */
  async services(...kinds: readonly ServiceKind[]): Promise<Addresses> {
    const dir = join(this.folder, 'services')
    mkdirSync(dir, { recursive: true })
    const running = await startServices({ kinds, dir, log: (line) => this.say(line) })
    this.onEnd(() => running.stop())
    return running.addresses as Addresses
  }

  /** Has something closed at the end of the run, also of a failed one; what was opened last is closed first. */
  onEnd(close: () => Promise<unknown>): void {
    this.#closing.push(close)
  }

  /** Closes all; the harness calls it. The first error is thrown once everything was tried. */
  async close(): Promise<void> {
    const errors: unknown[] = []
    for (const close of this.#closing.splice(0).reverse()) await close().catch((error: unknown) => errors.push(error))
    if (errors.length > 0) throw errors[0]
  }
}
