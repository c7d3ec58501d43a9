import type { FaultStage } from './fault-stage.ts'

export interface SteadyFeed {
  /** Records fed so far. */
  readonly fed: number
  /** Resolves when what is under way has been taken; throws what went wrong. */
  stop(): Promise<void>
}

/** Appends some records of the stage's shop every few milliseconds until it is stopped; it is an error when the shop has no more. */
export function steadyFeed(stage: FaultStage, load: { readonly records: number; readonly everyMs: number }): SteadyFeed {
  let stopped = false
  let fed = 0
  const run = async () => {
    for (let dueMs = performance.now(); !stopped; dueMs += load.everyMs) {
      if (stage.left < load.records) throw new Error(`the shop had only ${fed} records: record more events`)
      await stage.feed(load.records)
      fed += load.records
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs + load.everyMs - performance.now())))
    }
  }
  const running = run()
  running.catch(() => {}) // Told at stop.
  return {
    get fed() {
      return fed
    },
    async stop() {
      stopped = true
      await running
    },
  }
}
