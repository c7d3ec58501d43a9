import { CandidateSet, candidateSources, sourceCount } from '../../algorithms/candidate-set.ts'
import type { CandidateSource } from '../../algorithms/candidates/candidate-source.ts'
import { MillraceError } from '../../core/errors.ts'
import { createRandom } from '../../core/random.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { ListRecipe, RecommendationPorts } from '../../topologies/recommendations.ts'
import type { Config } from '../config.ts'

/** Arms that are no single source: the lists as served, by another ranker, without one, scattered for training; two yardsticks. */
export const wholeArms = ['learned', 'rival', 'linear', 'explore', 'oracle', 'random'] as const
/** Every arm that a simulation may have. */
export const armNames: readonly string[] = [...wholeArms, ...candidateSources]
/** Sources that are off unless they are asked for: no sequence model is served here, and rules are not learned. */
const offSources: readonly string[] = ['sequence', 'association', 'sequential']
/** The arms of a simulation that names none: the first is what the others are held against. */
export const usualArms: readonly string[] = [
  'learned',
  'linear',
  ...candidateSources.filter((name) => !offSources.includes(name)),
]

/** One group of people: `label` names it, `arm` says how its lists are made. */
export interface ShopArm {
  readonly label: string
  readonly arm: string
}

/** Reads `learned,linear,learned:again`. Errors: `MILL_USAGE` for an unknown arm, one arm only, or a label twice. */
export function shopArmsOf(text: string): readonly ShopArm[] {
  const arms = text.split(',').map((part): ShopArm => {
    const [arm = '', label = arm] = part.trim().split(':')
    if (!armNames.includes(arm))
      throw new MillraceError('MILL_USAGE', `--arms: there is no arm "${arm}"; there are ${armNames.join(', ')}`)
    return { arm, label }
  })
  const labels = new Set(arms.map(({ label }) => label))
  if (labels.size < arms.length)
    throw new MillraceError('MILL_USAGE', '--arms: two arms have one label; name:label gives a label of its own')
  return arms
}

/**
 * The share of people in each arm: the first is in every comparison and gets √(others) times as many as another, which makes all
 * intervals together narrowest (Dunnett, 1955).
 */
export function weightsOf(arms: readonly ShopArm[]): readonly number[] {
  const first = Math.max(1, Math.sqrt(arms.length - 1))
  return arms.map((_, n) => (n === 0 ? first : 1) / (first + arms.length - 1))
}

/** What a single source's list promises: nothing. */
const noLimits = { first: 1, brandMax: 1, marginMin: 0, diversityMin: 0, categoryShareMax: 1, outsideShareMin: 0 } as const

/** How wide `explore` scatters: standard deviations of ln score are about 1.28 times this. */
const exploreSpread = 0.4
/** Popular items after a short source's own: below every score that a source gives. */
const fillScale = 1e-6

/** Has the rules learned that some arm shows; the lists of the others go without them, unless they had them before. */
export function configOfArms(config: Config, arms: readonly ShopArm[]): Config {
  const { sessionRules, sources } = config.recommendations
  const learned = { ...sessionRules }
  const weights = { ...sources }
  for (const name of ['association', 'sequential'] as const) {
    if (sessionRules[name] || !arms.some(({ arm }) => arm === name)) continue
    learned[name] = true
    weights[name] = 0
  }
  return { ...config, recommendations: { ...config.recommendations, sessionRules: learned, sources: weights } }
}

/** What the lists of an arm are made with, on the tables that all arms share; `oracle` and `random` need none. */
export function armPorts(
  { arm, label }: ShopArm,
  shared: RecommendationPorts,
  options: { readonly seed: string; readonly rival?: Scorer | undefined },
): RecommendationPorts {
  const plain = shared.recipes.of(null)
  const recipe = { ...plain, explore: { ...plain.explore, policy: label } }
  const ports = {
    ...shared,
    recipes: { of: () => recipe },
    finish: { ...shared.finish, policy: label },
  }
  if (arm === 'learned') return ports
  if (arm === 'linear') return { ...ports, scorer: scorerWithout(shared.scorer, plain.score.model) }
  if (arm === 'explore') return { ...ports, scorer: scatteredScorer(shared.scorer, plain.score.model, options.seed) }
  if (arm === 'rival') return { ...ports, scorer: scorerWith(shared.scorer, plain.score.model, options.rival!) }
  const source = shared.sources.find(({ name }) => name === arm)!
  const bare: ListRecipe = {
    ...recipe,
    retrieve: { ...plain.retrieve, weights: {} },
    // Every list is "too old" for a model: it is put in order by its source's own score.
    score: { ...plain.score, shedAfterMs: -1 },
    // Nobody's list is blended for want of evidence, nothing is moved for variety, promised or promoted, and no slot explores.
    blend: { ...plain.blend, itemsMax: 0 },
    rerank: {
      ...plain.rerank,
      margin: { ...plain.rerank.margin, marginWeight: 0, stockWeight: 0 },
      serendipityWeight: 0,
      diversity: { ...plain.rerank.diversity, method: 'none' },
      fairness: { ...plain.rerank.fairness, method: 'none' },
      caps: { ...plain.rerank.caps, first: 0 },
    },
    explore: { ...recipe.explore, slot: Number.MAX_SAFE_INTEGER },
  }
  return {
    ...ports,
    scorer: arm === 'two_tower' ? shared.scorer : scorerWithout(shared.scorer),
    sources: [source, fillOf(shared.sources.find(({ name }) => name === 'popular')!)],
    promote: { ...shared.promote, promotions: [] },
    rule: { ...shared.rule, limits: noLimits },
    recipes: { of: () => bare },
  }
}

/** Popular items with scores that only order them among themselves. */
function fillOf(popular: CandidateSource): CandidateSource {
  const column = candidateSources.indexOf('popular')
  return {
    name: 'popular',
    retrieve(user, set, countMax) {
      const found = new CandidateSet(countMax)
      popular.retrieve(user, found, countMax)
      for (let place = 0; place < found.count; place++)
        set.add(column, found.rows[place]!, found.scores[place * sourceCount + column]! * fillScale, -1)
    },
  }
}

/** A scorer that serves no model at all, or all but one. */
function scorerWithout(scorer: Scorer, model?: string): Scorer {
  return {
    ready: (name, version) => model !== undefined && name !== model && scorer.ready(name, version),
    score: (...call) => scorer.score(...call),
  }
}

/** Another scorer for one model; vectors still come from the first, as all arms share the items' ones. */
function scorerWith(scorer: Scorer, model: string, other: Scorer): Scorer {
  const of = (name: string) => (name === model ? other : scorer)
  return { ready: (name, version) => of(name).ready(name, version), score: (name, ...call) => of(name).score(name, ...call) }
}

/** Lets chance have a say: each row's answers are multiplied by exp(spread · Gumbel), so that every order may come (Plackett–Luce). */
function scatteredScorer(scorer: Scorer, model: string, seed: string): Scorer {
  const random = createRandom(`${seed}/explore`)
  return {
    ready: (name, version) => scorer.ready(name, version),
    async score(name, features, rows, outputs, version) {
      const scored = await scorer.score(name, features, rows, outputs, version)
      if (name !== model) return scored
      const factors = Float64Array.from({ length: rows }, () => Math.exp(-exploreSpread * Math.log(-Math.log(1 - random.next()))))
      return { ...scored, outputs: scored.outputs.map((column) => column.map((value, row) => value * factors[row]!)) }
    },
  }
}
