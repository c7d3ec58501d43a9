import { afterAll, describe, expect, it } from 'vitest'
import type { CommitResult, StateCommit, TaskId } from '../../ports/state-store.ts'
import { topologyNames } from './scenarios.ts'
import { SimulatedStore } from './simulated-store.ts'
import type { Breakage } from './simulation.ts'
import { runTrial, type TrialOptions, wordFailure } from './trial.ts'

// Broken engines on purpose: an oracle that does not catch them proves nothing about the real one.

/** Schedules within which a canary must fall: what attribution loses, its next tile mostly says again, so about one in 600 tells. */
const within = 2_000

/** A store that lets a replaced owner write. */
class StoreWithoutEpochs extends SimulatedStore {
  protected override refuse(task: TaskId, commit: StateCommit): CommitResult | null {
    return super.refuse(task, { ...commit, epoch: this.epoch(task.partition) })
  }
}

/** A store whose epochs count on from the stored one, and so go back with it. */
class StoreThatCounts extends SimulatedStore {
  protected override nextEpoch(stored: number, above: number): number {
    return Math.max(stored, above) + 1
  }
}

/** A store that writes state first and positions after: a crash may come between. */
class StoreOfTwoWrites extends SimulatedStore {
  override commitPart(task: TaskId, commit: StateCommit): void {
    if (!this.refuse(task, commit)) this.put(this.disk(task.partition), commit)
  }
}

const canaries: Readonly<Record<string, Breakage>> = {
  // The log says "sent" while the records still wait in the process: state is stored first, and a crash loses the outputs.
  'commit before output': {
    send: (calls, log, owner, records) => ({
      run: () => {
        const from = { kind: 'send', owner: owner.number, partition: owner.id.partition } as const
        calls.ask(from, { run: () => log.append(records) }).catch(() => {})
      },
    }),
  },
  // A batch that begins below what was applied is taken for a repeat as a whole; the cut had moved.
  'skip by batch': {
    deliver: (owner, batch) => {
      const applied = owner.positions[batch.topic] ?? 0
      return batch.records[0]!.offset < applied ? { ...batch, records: [] } : batch
    },
  },
  'missing epoch check': { store: () => new StoreWithoutEpochs() },
  'epochs that only count': { store: () => new StoreThatCounts() },
  'positions outside the transaction': { store: () => new StoreOfTwoWrites() },
}

describe('canaries', () => {
  const caught: string[] = []

  // user-features counts an event id once, so folding a batch twice changes nothing there; recommendations keeps no state.
  const hidden = ['user-features', 'recommendations'].map((topology) => `positions outside the transaction in ${topology}`)

  it.each(
    Object.keys(canaries).flatMap((name) =>
      topologyNames.flatMap((topology) => (hidden.includes(`${name} in ${topology}`) ? [] : [[name, topology] as const])),
    ),
  )(
    '%s is caught in %s',
    async (name, topology) => {
      const trial: TrialOptions = { topology, schedules: within, seed: 7, breakage: canaries[name]!, shrinks: false }
      const { runs, failure } = await runTrial(trial)
      expect(failure, `not caught in ${runs} schedules`).not.toBeNull()
      caught.push(`${name} in ${topology}: schedule ${runs}`)
    },
    60_000,
  )

  it('a failing schedule is made small and told with its seed', async () => {
    const trial: TrialOptions = { topology: 'bandit', schedules: within, seed: 7, breakage: canaries['missing epoch check']! }
    const result = await runTrial(trial)
    expect(result.failure!.schedule.actions.length).toBeLessThanOrEqual(6)
    expect(result.failure!.faults.join()).toContain('changed the store after')
    expect(wordFailure(trial, result)).toMatch(/^bandit, seed 7: schedule \d+ breaks a promise/)
  }, 60_000)

  it('an unbroken world is not called broken', async () => {
    for (const topology of topologyNames)
      expect((await runTrial({ topology, schedules: 20, seed: 7 })).failure, topology).toBeNull()
  })

  afterAll(() => void process.stdout.write(`${caught.join('\n')}\n`))
})
