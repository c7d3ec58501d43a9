import { Ajv } from 'ajv'
import { MillraceError } from '../core/errors.ts'
import type { Experiment } from '../schemas/experiment.ts'
import { checkRecommendationConfig, type RecommendationConfig, recommendationConfig } from './recommendation-config.ts'

/** What variants may set of the section `recommendations`: how a list is made, not what it is, nor what holds for everybody. */
const settable = [
  'ranker',
  'sources',
  'perSourceMax',
  'personalHalf',
  'blendItemsMax',
  'diversity',
  'margin',
  'fairness',
  'explore',
] as const satisfies readonly (keyof RecommendationConfig)[]

let fits: ReturnType<Ajv['compile']> | undefined

/**
 * The settings of a variant laid over those of the process: fields of a group that it does not name stay as they are configured. Another
 * bandit policy begins with its own settings. Errors: `MILL_CONFIG_INVALID` naming the field and the fix.
 */
export function variantSettings(configured: RecommendationConfig, text: string | null): RecommendationConfig {
  if (text === null) return configured
  const given = parsed(text)
  const unknown = Object.keys(given).find((field) => !settable.includes(field as never))
  if (unknown !== undefined) throw wrong(unknown, `cannot differ between variants; ${settable.join(', ')} can`)
  const settings: Record<string, unknown> = { ...configured }
  for (const [field, value] of Object.entries(given)) {
    const before = settings[field]
    settings[field] = isGroup(value) && isGroup(before) && field !== 'sources' ? { ...before, ...value } : value
  }
  const { explore } = given
  if (isGroup(explore) && 'policy' in explore && !('settings' in explore))
    settings['explore'] = { ...(settings['explore'] as object), settings: {} }
  fits ??= new Ajv({ strict: false }).compile(recommendationConfig)
  if (!fits(settings)) {
    const { instancePath, keyword, params, message } = fits.errors![0]!
    const field = instancePath.slice(1).replaceAll('/', '.')
    if (keyword === 'additionalProperties')
      throw wrong(`${field}.${(params as { additionalProperty: string }).additionalProperty}`, 'is unknown')
    throw wrong(field, message ?? 'is wrong')
  }
  checkRecommendationConfig(settings as RecommendationConfig)
  return settings as RecommendationConfig
}

/** What is wrong with the settings of an experiment's variants, with the field and how to mend it; null if nothing is. */
export function variantsFault(configured: RecommendationConfig, { variants }: Experiment): string | null {
  for (const { name, settings } of variants) {
    try {
      variantSettings(configured, settings)
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      return `variant "${name}": field "settings": ${error.message}`
    }
  }
  return null
}

function parsed(text: string): Record<string, unknown> {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('MILL_CONFIG_INVALID', `it is no JSON: ${(cause as Error).message}`, { cause })
  }
  if (isGroup(given)) return given
  throw new MillraceError('MILL_CONFIG_INVALID', 'it must be an object, e.g. {"ranker": {"version": "2"}}')
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function wrong(field: string, fix: string): MillraceError {
  return new MillraceError('MILL_CONFIG_INVALID', `"recommendations.${field}" ${fix}`)
}
