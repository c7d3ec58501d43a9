import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { readObservations } from '../../cli/evaluation/read-observations.ts'
import { ManualClock } from '../../core/clock.ts'
import { chooseContestants } from '../../evaluation/contestant.ts'
import { type Evaluation, evaluate } from '../../evaluation/evaluate.ts'
import { formatHabits } from '../../evaluation/formats.ts'
import type { Observations } from '../../evaluation/observations.ts'
import { type Protocol, plansOf } from '../../evaluation/plan.ts'
import { recommenderSpecs } from '../../evaluation/recommender-specs.ts'

const folder = fileURLToPath(new URL('../../../shared/data/movielens-100k', import.meta.url))

function judged(
  data: Observations,
  protocol: Protocol,
  algorithms: readonly string[],
  part: 'valid' | 'test',
): Promise<Evaluation> {
  const plans = plansOf(protocol, data, {
    part,
    updates: false,
    lastShare: 0.1,
    warmShare: 0,
    folds: 5,
    seed: 1,
    judgedTypes: [],
  })
  const contestants = chooseContestants(recommenderSpecs, {
    algorithms,
    settings: ['blend.ease=0', 'blend.als=0', 'blend.content=0.1'],
    retraining: ['never'],
  })
  const truth = protocol === 'k-fold' ? 'user' : 'next'
  return evaluate(data, plans, contestants, {
    ks: [10, 20],
    context: 'user',
    truth,
    exclude: 'user',
    curveMs: 0,
    seed: 1,
    judgedTypes: [],
    clock: new ManualClock(),
  })
}

// The same figures as test/algorithms/movielens.test.ts, through everything that `millrace evaluate` puts around an algorithm.
describe.skipIf(!existsSync(folder))('MovieLens 100K as evaluate judges it (needs ../shared/data/movielens-100k)', () => {
  const habits = formatHabits.find(({ name }) => name === 'movielens')!

  it('leave-last-out: the golden hits of popularity and item kNN; the blend far above', {
    timeout: 120_000,
  }, async () => {
    const data = await readObservations(habits, folder, undefined, () => {})
    const { results, questions } = await judged(data, 'leave-last-out', ['popularity', 'item-knn', 'blend'], 'test')
    expect(questions).toBe(943)
    const figures = results.map(({ algorithm, metrics }) => [
      algorithm,
      Math.round(metrics['HR@10']! * questions),
      metrics['NDCG@10']!.toFixed(4),
      metrics['HR@20']!.toFixed(4),
    ])
    expect(figures.slice(0, 2)).toEqual([
      ['popularity', 81, '0.0449', '0.1262'],
      ['item-knn', 112, '0.0661', '0.1888'],
    ])
    expect(results[2]!.metrics['NDCG@10']!).toBeGreaterThan(0.1)
  })
})
