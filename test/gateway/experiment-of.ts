import { plainExperiment } from '../../cli/configured-experiment.ts'
import type { Experiment } from '../../schemas/experiment.ts'

/** An experiment of two equal variants `a` (the control) and `b` in a layer of its own, with other fields laid over it. */
export function experimentOf(id: string, fields: Partial<Experiment> = {}): Experiment {
  const variants = fields.variants ?? [
    { name: 'a', weight: 1, policy: 'learned', settings: null },
    { name: 'b', weight: 1, policy: 'trend', settings: null },
  ]
  return { ...plainExperiment, id, layer: id, variants, control: variants[0]!.name, ...fields }
}
