import type { Stack } from '../../e2e/stack.ts'

/** How often the store is looked at; a pause is known no better than that. */
const lookEveryMs = 5

/** One change of a task's owner, seen from the store. */
export interface Takeover {
  readonly task: string
  /** From the last commit seen under an older epoch to the first one seen under a newer. */
  readonly pauseMs: number
  /** When the first commit of the new owner was seen, on the test's clock. */
  readonly atMs: number
}

interface Seen {
  epoch: number
  positions: Readonly<Record<string, number>>
  committedMs: number
  /** The epoch of the newest commit, which lies behind `epoch` until the new owner has committed. */
  committedEpoch: number
}

/**
 * Looks at the epoch and the positions of every task many times a second: what the store holds tells when an owner committed last and
 * its successor first, and shows an epoch or a position that goes back.
 */
export class CommitWatch {
  readonly takeovers: Takeover[] = []
  readonly faults: string[] = []
  looks = 0
  readonly #stack: Stack
  readonly #topologies: readonly string[]
  readonly #seen = new Map<string, Seen>()
  #stopped = false
  readonly #running: Promise<void>

  constructor(stack: Stack, topologies: readonly string[]) {
    this.#stack = stack
    this.#topologies = topologies
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { ports, config } = this.#stack
    const tasks = this.#topologies.flatMap((topology) =>
      Array.from({ length: config.partitions }, (_, partition) => ({ topology, partition })),
    )
    while (!this.#stopped) {
      const found = await Promise.all(tasks.map((task) => ports.state.progress(task)))
      const nowMs = performance.now()
      this.looks++
      for (const [index, progress] of found.entries()) {
        const { topology, partition } = tasks[index]!
        if (progress) this.#look(`${topology}.${partition}`, progress.epoch, progress.positions, nowMs)
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs))
    }
  }

  #look(task: string, epoch: number, positions: Readonly<Record<string, number>>, nowMs: number): void {
    const before = this.#seen.get(task)
    if (!before) {
      this.#seen.set(task, { epoch, positions, committedMs: nowMs, committedEpoch: epoch })
      return
    }
    if (epoch < before.epoch) this.faults.push(`${task}: epoch went back from ${before.epoch} to ${epoch}`)
    for (const [topic, offset] of Object.entries(before.positions))
      if ((positions[topic] ?? 0) < offset) this.faults.push(`${task}: ${topic} went back from ${offset} to ${positions[topic]}`)
    const committed = Object.entries(positions).some(([topic, offset]) => offset > (before.positions[topic] ?? 0))
    before.epoch = epoch
    before.positions = positions
    if (!committed) return
    if (epoch > before.committedEpoch) this.takeovers.push({ task, pauseMs: nowMs - before.committedMs, atMs: nowMs })
    before.committedMs = nowMs
    before.committedEpoch = epoch
  }
}
