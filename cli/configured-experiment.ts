import type { Experiment } from '../schemas/experiment.ts'
import type { Config } from './config.ts'

/** What holds of an experiment that says nothing else. */
export const plainExperiment: Omit<Experiment, 'id' | 'layer' | 'variants' | 'control'> = {
  layerFrom: 0,
  layerTo: 1,
  coverage: 1,
  hash: 'growthbook',
  holdout: null,
  surfaces: [],
  regions: [],
  devices: [],
  measures: [{ metric: 'click-through', lossMax: null }],
  alpha: 0.05,
  tunedFor: 5000,
  state: 'running',
  revision: 1,
  fromMs: null,
  toMs: null,
  note: '',
}

/** The experiment of the configuration, which runs as long as nobody has created one. */
export function configuredExperiment({ experiment }: Pick<Config, 'experiment'>): Experiment {
  const { name, trendShare } = experiment
  return {
    ...plainExperiment,
    id: name,
    layer: name,
    variants: [
      { name: 'learned', weight: 1 - trendShare, policy: 'learned', settings: null },
      { name: 'trend', weight: trendShare, policy: 'trend', settings: null },
    ],
    control: 'trend',
    note: 'from the configuration',
  }
}
