import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { configOf } from '../../cli/global-flags.ts'
import { onlyExplores } from '../../cli/only-explores.ts'
import { recommendationPorts } from '../../cli/recommendation-ports.ts'
import { VariantRecipes } from '../../cli/variant-recipes.ts'
import { variantsFault } from '../../cli/variant-settings.ts'
import { ManualClock } from '../../core/clock.ts'
import { ExperimentTable } from '../../operators/tables/experiment-table.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { experimentOf } from '../gateway/experiment-of.ts'

const noScorer: Scorer = { ready: () => false, score: () => Promise.reject(new Error('no model')) }
const portsOf = (settings: object) =>
  recommendationPorts(loadConfig(undefined, { recommendations: settings }), noScorer, new ManualClock(0))

afterEach(() => vi.unstubAllEnvs())

describe('recommendation settings', () => {
  it('are those of before where nothing is said', () => {
    const { recipes, draft, rule, finish, promote } = portsOf({})
    const { rerank, explore, retrieve, score } = recipes.of(null)
    expect(rerank).toMatchObject({
      itemsMax: 70,
      poolMax: 100,
      diversity: { method: 'mmr', lambda: 0.8 },
      caps: { first: 10, brandMax: 3, leafCategoryMax: 6, topCategoryMax: 6 },
      fairness: { method: 'none' },
      margin: { marginWeight: 0, stockWeight: 0 },
    })
    expect(explore).toMatchObject({ slot: 4, first: 10, epsilon: 0.05 })
    expect([retrieve.countMax, draft.countMax, score.shedAfterMs]).toEqual([50, 400, 10_000])
    expect([rule.surface, rule.itemsMax, finish.itemsMax, promote.promotions]).toEqual(['home', 50, 50, []])
  })

  it('come from a section within a section, of a file, the environment or --set', () => {
    vi.stubEnv('MILLRACE_RECOMMENDATIONS_DIVERSITY_METHOD', 'dpp')
    vi.stubEnv('MILLRACE_RECOMMENDATIONS_EXPLORE_LOOKED', '1,.5')
    const { diversity, limits, explore } = configOf({
      json: false,
      set: [
        ...['recommendations.limits.brandMax=2', 'recommendations.limits.first=8', 'recommendations.diversity.lambda=0.5'],
        'recommendations.explore.rankers=1,2,linear',
      ],
    }).recommendations
    expect(explore).toMatchObject({ rankers: ['1', '2', 'linear'], looked: [1, 0.5] })
    expect(diversity).toMatchObject({ method: 'dpp', lambda: 0.5, theta: 0.7 })
    expect(limits).toMatchObject({ brandMax: 2, first: 8, diversityMin: 0.3 })
  })

  it('are refused with the field and the fix', () => {
    const wrong: readonly (readonly [object, string])[] = [
      [{ diversity: { method: 'best' } }, '"recommendations.diversity.method" must be one of mmr, dpp'],
      [{ diversity: { lamda: 1 } }, 'unknown field "recommendations.diversity.lamda"; did you mean "lambda"?'],
      [{ margin: { weight: 0.4 } }, '"recommendations.margin.weight" must be <= 0.3'],
      [{ surface: 'a b' }, '"recommendations.surface" must be 1–32'],
      [{ poolMax: 40 }, '"recommendations.poolMax" must be at least itemsMax (50)'],
      [{ itemsMax: 10, limits: { first: 11 } }, '"recommendations.limits.first" must be at most'],
      [{ explore: { slot: 60 } }, '"recommendations.explore.slot" must be below'],
      [{ sources: { sesion: 2 } }, '"recommendations.sources.sesion" is no source; there are session, similar'],
      [{ ranker: { rung: 'trend' } }, '"recommendations.ranker.rung" must be one of ranker, linear'],
      [{ explore: { policy: 'best' } }, '"recommendations.explore.policy" must be one of epsilon-greedy, softmax'],
      [{ explore: { settings: { gamma: 1 } } }, 'policy beta-thompson has no setting "gamma"; it has alpha, beta'],
      [
        { explore: { policy: 'lin-ucb-hybrid', settings: { shared: 9 } } },
        '"recommendations.explore.settings" must have shared of at most 8',
      ],
      [{ explore: { policy: 'linear-thompson', settings: { shared: 1 } } }, 'all arms see one context'],
      [{ explore: { over: 'slate', items: 11 } }, '"recommendations.explore.items" must be at most limits.first (10)'],
      [{ explore: { over: 'slate', items: 2 } }, '"recommendations.explore.places" must be at most explore.items (2)'],
      [
        { explore: { rankers: ['1', 'trend'] } },
        '"recommendations.explore.rankers.1" must be the number of a version, or linear',
      ],
      [{ ranker: { version: 'x' } }, '"recommendations.ranker.version" must be the number of a version, or empty'],
      [{ explore: { over: 'ranker', rankers: ['1'] } }, '"recommendations.explore.rankers" must name at least two'],
      [{ explore: { itemContext: 'hidden' } }, '"recommendations.explore.itemContext" must be columns unless'],
      [{ fairness: { shares: { A: 0.6, B: 0.6 } } }, 'must sum to at most 1'],
      [{ fairness: { method: 'fa-ir' } }, 'must name exactly one group'],
      [{ promotions: [{ id: 'p', values: ['a'], slots: [50] }] }, 'must have slots below 50'],
      [{ promotions: [0, 1].map((slot) => ({ id: 'p', values: ['a'], slots: [slot] })) }, 'an id of its own'],
    ]
    for (const [settings, said] of wrong) expect(() => portsOf(settings), said).toThrow(said)
  })
})

describe('settings of variants', () => {
  const configured = loadConfig(undefined, {
    recommendations: { diversity: { lambda: 0.6 }, explore: { policy: 'softmax', settings: { lambda: 2 } } },
  }).recommendations
  const experimentWith = (settings: unknown, control: unknown = null) =>
    experimentOf('lists', {
      variants: [control, settings].map((one, at) => ({
        name: 'ab'[at]!,
        weight: 1,
        policy: null,
        settings: one === null ? null : typeof one === 'string' ? one : JSON.stringify(one),
      })),
    })

  it('lie over those of the process, field by field', () => {
    const experiment = experimentWith({
      ranker: { version: '2' },
      sources: { session: 2, newcomer: 0 },
      diversity: { method: 'dpp' },
      explore: { policy: 'lin-ucb' },
    })
    const recipes = new VariantRecipes(configured)
    const of = (at: number) => recipes.of({ experiment, variant: experiment.variants[at]! })
    expect(of(1)).toMatchObject({
      score: { version: '2', versionInstead: '', rung: 'ranker' },
      retrieve: { countMax: 50, weights: { session: 2, newcomer: 0 } },
      rerank: { diversity: { method: 'dpp', lambda: 0.6 } },
      explore: { slot: 4, explorer: { version: expect.stringMatching(/^alpha=/) } },
    })
    // The same object each time, as steps are kept by it; the control has what everybody has.
    expect(of(1)).toBe(of(1))
    const { score, ...plain } = recipes.of(null)
    expect(of(0)).toMatchObject({ rerank: plain.rerank, retrieve: plain.retrieve, explore: { slot: 4 }, score })
    expect(of(0).explore.explorer.version).toMatch(/^lambda=2,/)
  })

  it.each([
    [{ ranker: { version: '2' } }, { ranker: { version: '3' } }, '3'],
    [{ ranker: { version: '2' } }, { ranker: { version: '2' } }, ''],
    [{ ranker: { version: '2' } }, { ranker: { rung: 'linear' } }, null],
    [{ diversity: { lambda: 1 } }, { ranker: { version: '3' } }, '3'],
  ])('%j fall back on the version of the control %j: %s', (settings, control, instead) => {
    const experiment = experimentWith(settings, control)
    const recipes = new VariantRecipes(configured)
    const { score } = recipes.of({ experiment, variant: experiment.variants[1]! })
    expect(score.versionInstead).toBe(instead)
    score.missed!(3)
    score.missed!(2)
    expect(recipes.missed).toEqual([{ labels: { experiment: 'lists', variant: 'b' }, value: 5 }])
  })

  it('are told apart from those that differ in nothing but who fills the exploration slot', () => {
    const cases: readonly (readonly [unknown, unknown, boolean])[] = [
      [{ explore: { policy: 'lin-ucb' } }, null, true],
      [{ explore: { epsilon: 0.2 } }, { explore: { epsilon: 0.1 } }, true],
      [{ explore: { policy: 'lin-ucb' }, diversity: { lambda: 1 } }, null, false],
      [{ explore: { policy: 'softmax', settings: { lambda: 2 } } }, null, false],
      [null, null, false],
    ]
    for (const [settings, control, expected] of cases)
      expect(onlyExplores(configured, experimentWith(settings, control)), JSON.stringify(settings)).toBe(expected)
  })

  it('are refused by variant and field, and such an experiment takes nobody', () => {
    const wrong: readonly (readonly [unknown, string])[] = [
      ['{', 'field "settings": it is no JSON'],
      [[1], 'field "settings": it must be an object, e.g. {"ranker"'],
      [{ itemsMax: 10 }, '"recommendations.itemsMax" cannot differ between variants; ranker, sources'],
      [{ limits: { brandMax: 1 } }, '"recommendations.limits" cannot differ'],
      [{ ranker: { version: 'new' } }, '"recommendations.ranker.version" must match pattern'],
      [{ diversity: { lamda: 1 } }, '"recommendations.diversity.lamda" is unknown'],
      [{ diversity: 3 }, '"recommendations.diversity" must be object'],
      [{ sources: { sesion: 1 } }, '"recommendations.sources.sesion" is no source; there are session'],
      [{ explore: { settings: { gamma: 1 } } }, 'policy softmax has no setting "gamma"'],
    ]
    for (const [settings, said] of wrong) {
      const experiment = experimentWith(settings)
      expect(variantsFault(configured, experiment), said).toContain(
        `variant "b": field "settings": ${said.replace('field "settings": ', '')}`,
      )
      const table = new ExperimentTable([experiment, experimentOf('other')], (one) => variantsFault(configured, one))
      expect(table.running.map(({ id }) => id)).toEqual(['other'])
      expect(table.faults.get('lists')).toContain(said)
    }
  })
})
