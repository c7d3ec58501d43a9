import type { ModelShelf } from '../gpu-workers/model-shelf.ts'
import { configOf, type GlobalFlags } from './global-flags.ts'

/** The model repository of the configuration, with what choosing a version needs. */
export async function localShelf(flags: GlobalFlags): Promise<ModelShelf> {
  const config = configOf(flags)
  const { openModelShelf } = await import('./compose.ts')
  const { openLogger } = await import('./logger.ts')
  const { systemClock } = await import('../core/clock.ts')
  return openModelShelf(config, systemClock, openLogger(config))
}
