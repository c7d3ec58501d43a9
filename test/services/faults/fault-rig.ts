import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { OpenPorts } from '../../../cli/compose.ts'
import type { Config } from '../../../cli/config.ts'
import { artifactsDir } from '../../../cli/services/services.ts'
import { reactionOf } from '../../../core/errors.ts'
import type { OutgoingRecord } from '../../../ports/event-log.ts'
import { EngineProcess } from '../../e2e/engine-process.ts'
import { recordedShop, Stack } from '../../e2e/stack.ts'

/** A source's pace: this many records every so many milliseconds, whatever becomes of them. */
const flowRecords = 40
const flowEveryMs = 20

/** One stack, its feed and its engine processes, for tests that break parts of it; cleans up everything in the end. */
export class FaultRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-faults-'))
  /** Faults injected so far, by name: what the test prints. */
  readonly faults = new Map<string, number>()
  readonly #closing: (() => unknown)[] = []
  #stack: Stack | undefined
  #left: OutgoingRecord[] = []

  get stack(): Stack {
    if (!this.#stack) throw new Error('the stack is not open yet')
    return this.#stack
  }

  /** Opens the stack that a configuration names, with a recorded shop of so many events to feed; `replace` swaps single ports. */
  async open(config: Config, events: number, replace: Partial<OpenPorts> = {}): Promise<void> {
    this.#stack = await Stack.open(config, replace)
    this.closing(() => this.stack.close())
    this.#left = recordedShop({ events }).map((record) => this.stack.encoded(record))
  }

  /** What every service started by a test needs. */
  serviceOptions(name: string) {
    return { dir: join(this.folder, name), cacheDir: artifactsDir(), detached: false, log() {} }
  }

  /** Something to end when the test file ends, newest first. */
  closing(close: () => unknown): void {
    this.#closing.push(close)
  }

  fault(name: string): void {
    this.faults.set(name, (this.faults.get(name) ?? 0) + 1)
  }

  async startEngine(): Promise<EngineProcess> {
    const engine = new EngineProcess(this.stack.config, this.folder)
    this.closing(() => engine.child.exitCode === null && engine.kill())
    await engine.ready()
    return engine
  }

  /** Appends so many records of the shop; answers how many there were. */
  async feed(count: number): Promise<number> {
    const records = this.#left.splice(0, count)
    expect(records, 'the recorded shop is used up: record more events').not.toHaveLength(0)
    await this.stack.append(records)
    return records.length
  }

  /** Keeps appending at a source's pace until told to stop; what the log does not take is sent again, as any producer does. */
  flow(): { stop(): Promise<number> } {
    let flowing = true
    let sent = 0
    const run = async () => {
      while (flowing && this.#left.length > 0) {
        const records = this.#left.splice(0, flowRecords)
        for (;;) {
          try {
            await this.stack.append(records)
            break
          } catch (error) {
            if (reactionOf(error) !== 'retry') throw error
          }
        }
        sent += records.length
        await new Promise((resolve) => setTimeout(resolve, flowEveryMs))
      }
    }
    const done = run()
    done.catch(() => {}) // Told by `stop`.
    return {
      async stop() {
        flowing = false
        await done
        return sent
      },
    }
  }

  /** Records that a topology has applied, over all its inputs, by its stored positions. */
  async applied(topology = 'user-features'): Promise<number> {
    let sum = 0
    for (let partition = 0; partition < this.stack.config.partitions; partition++) {
      const progress = await this.stack.ports.state.progress({ topology, partition })
      // Positions of single upstream partitions are named topic/partition.
      for (const [name, next] of Object.entries(progress?.positions ?? {})) if (!name.includes('/')) sum += next
    }
    return sum
  }

  /** Folds the log again and expects zero differences; prints the faults and what was compared. */
  async verified(what: string): Promise<void> {
    const { wrong, records, keys } = await this.stack.verify()
    const faults = [...this.faults].map(([name, count]) => `${count} x ${name}`).join(', ')
    console.info(`${what}: ${faults}; ${records} records folded, ${keys} keys compared, ${wrong.length} differences`)
    expect(wrong).toEqual([])
    expect(keys).toBeGreaterThan(100)
  }

  async close(): Promise<void> {
    for (const close of this.#closing.splice(0).reverse()) await close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
