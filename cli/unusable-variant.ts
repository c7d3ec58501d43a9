import type { Experiment } from '../schemas/experiment.ts'
import { type OpenPorts, openInference } from './compose.ts'
import type { Config } from './config.ts'
import { listRecipe } from './list-recipe.ts'
import { variantSettings, variantsFault } from './variant-settings.ts'

/**
 * Why lists could not be made by a variant of an experiment: its settings are wrong, or it names a ranker version that no worker serves.
 * Null if they could; also where no worker answers, as lists then wait for one.
 */
export async function unusableVariant(
  config: Config,
  experiment: Experiment,
  { clock, logger }: Pick<OpenPorts, 'clock' | 'logger'>,
): Promise<string | null> {
  const fault = variantsFault(config.recommendations, experiment)
  if (fault !== null) return fault
  const asked = experiment.variants.map(({ name, settings }) => {
    const { model, version } = listRecipe(variantSettings(config.recommendations, settings)).score
    return { name, model, version }
  })
  if (asked.every(({ version }) => version === '')) return null
  const inference = await openInference(config, clock, logger)
  try {
    const states = await inference.models()
    for (const { name, model, version } of asked) {
      const served = states.filter((state) => state.model === model && state.ready).map((state) => state.version)
      if (version === '' || states.length === 0 || served.includes(version)) continue
      return `variant "${name}": "recommendations.ranker.version" is ${version}, which is not served; the workers serve ${served.join(', ') || 'no version'} of ${model}: name one of them, or let version_policy in ${model}/config.pbtxt choose it too`
    }
    return null
  } finally {
    await inference.close()
  }
}
