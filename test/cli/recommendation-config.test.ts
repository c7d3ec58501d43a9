import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { configOf } from '../../cli/global-flags.ts'
import { recommendationPorts } from '../../cli/recommendation-ports.ts'
import { ManualClock } from '../../core/clock.ts'
import type { Scorer } from '../../ports/scorer.ts'

const noScorer: Scorer = { ready: () => false, score: () => Promise.reject(new Error('no model')) }
const portsOf = (settings: object) =>
  recommendationPorts(loadConfig(undefined, { recommendations: settings }), noScorer, new ManualClock(0))

afterEach(() => vi.unstubAllEnvs())

describe('recommendation settings', () => {
  it('are those of before where nothing is said', () => {
    const { rerank, explore, retrieve, draft, score, rule, finish, promote } = portsOf({})
    expect(rerank).toMatchObject({
      itemsMax: 70,
      poolMax: 100,
      diversity: { method: 'mmr', lambda: 0.8 },
      caps: { first: 10, brandMax: 3, leafCategoryMax: 6, topCategoryMax: 6 },
      fairness: { method: 'none' },
      margin: { marginWeight: 0, stockWeight: 0 },
    })
    expect(explore).toMatchObject({ slot: 4, first: 10, epsilon: 0.05 })
    expect([retrieve.countMax, draft.countMax, score.shedAfterMs]).toEqual([100, 400, 10_000])
    expect([rule.surface, rule.itemsMax, finish.itemsMax, promote.promotions]).toEqual(['home', 50, 50, []])
  })

  it('come from a section within a section, of a file, the environment or --set', () => {
    vi.stubEnv('MILLRACE_RECOMMENDATIONS_DIVERSITY_METHOD', 'dpp')
    const { diversity, limits } = configOf({
      json: false,
      set: ['recommendations.limits.brandMax=2', 'recommendations.limits.first=8', 'recommendations.diversity.lambda=0.5'],
    }).recommendations
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
      [{ explore: { policy: 'best' } }, '"recommendations.explore.policy" must be one of epsilon-greedy, softmax'],
      [{ explore: { settings: { gamma: 1 } } }, 'policy beta-thompson has no setting "gamma"; it has alpha, beta'],
      [
        { explore: { policy: 'lin-ucb-hybrid', settings: { shared: 9 } } },
        '"recommendations.explore.settings" must have shared of at most 8',
      ],
      [{ explore: { policy: 'linear-thompson', settings: { shared: 1 } } }, 'all sources see one context'],
      [{ fairness: { shares: { A: 0.6, B: 0.6 } } }, 'must sum to at most 1'],
      [{ fairness: { method: 'fa-ir' } }, 'must name exactly one group'],
      [{ promotions: [{ id: 'p', values: ['a'], slots: [50] }] }, 'must have slots below 50'],
      [{ promotions: [0, 1].map((slot) => ({ id: 'p', values: ['a'], slots: [slot] })) }, 'an id of its own'],
    ]
    for (const [settings, said] of wrong) expect(() => portsOf(settings), said).toThrow(said)
  })
})
