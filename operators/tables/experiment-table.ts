import type { Sourced } from '../../ports/batch.ts'
import type { ExperimentTable as Running } from '../../ports/experiment-table.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { experimentFault, overlapFault } from '../../schemas/experiment-fault.ts'
import type { ExperimentStop } from '../../schemas/experiment-stop.ts'

/** What is wrong with the settings of an experiment's variants; null if nothing is. */
export type SettingsFault = (experiment: Experiment) => string | null

/**
 * `experiments` as a table, with the guardrails' stops that `experiment-stops` tells of. The configured `defaults` hold as long as nobody has
 * set any. One that is wrong, or takes people of another of its layer, is left out and told in `faults`: whatever somebody wrote to the
 * topic, lists go on.
 */
export class ExperimentTable implements Running {
  readonly #defaults: readonly Experiment[]
  readonly #settingsFault: SettingsFault
  readonly #set = new Map<string, Experiment>()
  readonly #stops = new Map<string, ExperimentStop>()
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
    for (const { key, value } of records) {
      if (value === null) this.#set.delete(key)
      else this.#set.set(key, value)
    }
    this.#running = undefined
  }

  #applyStops(records: readonly Sourced<ExperimentStop | null>[]): void {
    for (const { key, value } of records) {
      if (value === null) this.#stops.delete(key)
      else this.#stops.set(key, value)
    }
    this.#running = undefined
  }

  /** The newest stop of an experiment; one of an earlier revision stops nothing. */
  stop(id: string): ExperimentStop | undefined {
    return this.#stops.get(id)
  }

  /** For a table of `experiment-stops`. */
  readonly stops = { apply: (records: readonly Sourced<ExperimentStop | null>[]) => this.#applyStops(records) }

  #all(): readonly Experiment[] {
    return this.#set.size > 0 ? [...this.#set.values()] : this.#defaults
  }

  #right(): Experiment[] {
    this.#faults.clear()
    const running: Experiment[] = []
    for (const experiment of [...this.#all()].sort(byTurn)) {
      if (experiment.state !== 'running') continue
      const stop = this.stop(experiment.id)
      const fault = experimentFault(experiment) ?? this.#settingsFault(experiment) ?? overlapFault(experiment, running)
      if (fault !== null) this.#faults.set(experiment.id, fault)
      else if (stop !== undefined && stop.revision >= experiment.revision)
        this.#faults.set(experiment.id, `the guardrail ${stop.metric} of ${stop.variant} is broken`)
      else running.push(experiment)
    }
    return running
  }
}

function byTurn(a: Experiment, b: Experiment): number {
  if ((a.holdout === null) !== (b.holdout === null)) return a.holdout === null ? 1 : -1
  return compare(a.layer, b.layer) || compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
