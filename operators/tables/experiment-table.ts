import type { Sourced } from '../../ports/batch.ts'
import type { ExperimentTable as Running } from '../../ports/experiment-table.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { experimentFault, overlapFault } from '../../schemas/experiment-fault.ts'
import type { ExperimentResult } from '../../schemas/experiment-result.ts'

/** What is wrong with the settings of an experiment's variants; null if nothing is. */
export type SettingsFault = (experiment: Experiment) => string | null

/**
 * `experiments` as a table, with the guardrails that `experiment-results` tells of. The configured `defaults` hold as long as nobody has
 * set any. One that is wrong, or takes people of another of its layer, is left out and told in `faults`: whatever somebody wrote to the
 * topic, lists go on.
 */
export class ExperimentTable implements Running {
  readonly #defaults: readonly Experiment[]
  readonly #settingsFault: SettingsFault
  readonly #set = new Map<string, Sourced<Experiment | null> & { readonly value: Experiment }>()
  /** Experiments whose guardrail was broken: by what, and when that was logged, ms. Setting the experiment later starts it again. */
  readonly #broken = new Map<string, { readonly by: string; readonly loggedMs: number }>()
  readonly #faults = new Map<string, string>()
  #running: readonly Experiment[] | undefined

  constructor(defaults: readonly Experiment[] = [], settingsFault: SettingsFault = () => null) {
    this.#defaults = defaults
    this.#settingsFault = settingsFault
  }

  get running(): readonly Experiment[] {
    this.#running ??= this.#right()
    return this.#running
  }

  /** Why experiments that are set as running assign nobody, by id. */
  get faults(): ReadonlyMap<string, string> {
    void this.running
    return this.#faults
  }

  /** The definition of an experiment, running or not. */
  get(id: string): Experiment | undefined {
    const found = this.#all().find((experiment) => experiment.id === id)
    return found && experimentFault(found) === null ? found : undefined
  }

  /** Takes records of `experiments`. */
  apply(records: readonly Sourced<Experiment | null>[]): void {
    for (const record of records) {
      if (record.value === null) this.#set.delete(record.key)
      else this.#set.set(record.key, { ...record, value: record.value })
    }
    this.#running = undefined
  }

  /** Takes records of `experiment-results`. */
  applyResults(records: readonly Sourced<ExperimentResult | null>[]): void {
    for (const { value, loggedMs } of records) {
      if (value?.guardrail !== 'broken') continue
      this.#broken.set(value.experiment, { by: `${value.metric} of ${value.variant}`, loggedMs })
      this.#running = undefined
    }
  }

  #all(): readonly Experiment[] {
    return this.#set.size > 0 ? Array.from(this.#set.values(), ({ value }) => value) : this.#defaults
  }

  #right(): Experiment[] {
    this.#faults.clear()
    const running: Experiment[] = []
    for (const experiment of [...this.#all()].sort(byTurn)) {
      if (experiment.state !== 'running') continue
      const broken = this.#brokenBy(experiment.id)
      const fault = experimentFault(experiment) ?? this.#settingsFault(experiment) ?? overlapFault(experiment, running)
      if (fault !== null) this.#faults.set(experiment.id, fault)
      else if (broken !== undefined) this.#faults.set(experiment.id, `the guardrail ${broken} is broken`)
      else running.push(experiment)
    }
    return running
  }

  #brokenBy(id: string): string | undefined {
    const broken = this.#broken.get(id)
    // Both topics are read side by side after a start, so only the log's time tells which came first.
    return broken !== undefined && broken.loggedMs >= (this.#set.get(id)?.loggedMs ?? 0) ? broken.by : undefined
  }
}

function byTurn(a: Experiment, b: Experiment): number {
  if ((a.holdout === null) !== (b.holdout === null)) return a.holdout === null ? 1 : -1
  return compare(a.layer, b.layer) || compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
