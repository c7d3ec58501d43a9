import { expect, it } from 'vitest'
import { BiasedMf } from '../../algorithms/biased-mf.ts'
import { easeScores, easeWeights } from '../../algorithms/ease.ts'
import { ImplicitAls } from '../../algorithms/implicit-als.ts'
import { ItemKnn } from '../../algorithms/item-knn.ts'
import { meanRankingMetrics, type RankingMetrics, rankingMetrics } from '../../algorithms/ranking-metrics.ts'
import { sparseRowsOf } from '../../algorithms/sparse-rows.ts'
import { topK } from '../../algorithms/top-k.ts'
import { createRandom } from '../../core/random.ts'
import { describeWithData } from './describe-with-data.ts'

/** Leave-one-out by time over all 1,682 items, ties by item index (recsys-notes.md section 7). */
describeWithData('movielens-100k', 'ranking on MovieLens 100K', (rows) => {
  const itemCount = 1682
  const byUser = new Map<number, number[]>()
  const ratings = rows('ml-100k.inter.tsv.gz').map((row, order) => ({
    user: Number(row[0]) - 1,
    item: Number(row[1]) - 1,
    value: Number(row[2]),
    time: Number(row[3]),
    order,
  }))
  ratings.sort((a, b) => a.time - b.time || a.order - b.order)
  for (const { user, item } of ratings) byUser.set(user, [...(byUser.get(user) ?? []), item])
  const users = [...byUser.values()].map((items) => ({ history: items.slice(0, -1), target: items.at(-1)! }))
  const counts = new Float64Array(itemCount)
  for (const { history } of users) for (const item of history) counts[item]!++
  const rowsOfUsers = sparseRowsOf(
    users.map(({ history }) => history),
    itemCount,
  )
  const scores = new Float64Array(itemCount)

  function judge(scoreOf: (history: readonly number[], user: number) => Float64Array): {
    hits: number
    ndcg: string
    hitRate20: string
  } {
    const at10: (RankingMetrics | null)[] = []
    let hits20 = 0
    for (const [user, { history, target }] of users.entries()) {
      const seen = new Uint8Array(itemCount)
      for (const item of history) seen[item] = 1
      const list = topK(scoreOf(history, user), 20, seen).indices
      at10.push(rankingMetrics(list, new Set([target]), 10))
      if (list.includes(target)) hits20++
    }
    const mean = meanRankingMetrics(at10)
    return {
      hits: Math.round(mean.hitRate * mean.users),
      ndcg: mean.ndcg.toFixed(4),
      hitRate20: (hits20 / users.length).toFixed(4),
    }
  }

  it('popularity: 81 hits at 10, NDCG .0449, HR@20 .1262', () => {
    expect(users.length).toBe(943)
    expect(judge(() => counts)).toEqual({ hits: 81, ndcg: '0.0449', hitRate20: '0.1262' })
  })

  const knn = new ItemKnn({ itemCount })
  it('item kNN counts all pairs', () => {
    users.forEach(({ history }, user) => {
      for (const item of history) knn.observe(user, item)
    })
    expect(knn.support(49)).toBe(counts[49])
  })

  it.for([
    { neighbours: 20, hits: 126, ndcg: '0.0680', hitRate20: '0.1994' },
    { neighbours: 50, hits: 112, ndcg: '0.0661', hitRate20: '0.1888' },
    { neighbours: 100, hits: 111, ndcg: '0.0643', hitRate20: '0.1866' },
    { neighbours: itemCount, hits: 103, ndcg: '0.0563', hitRate20: '0.1729' },
  ])('item cosine, $neighbours neighbours of the target: $hits hits at 10, NDCG $ndcg', ({ neighbours, ...golden }) => {
    knn.refreshAll(neighbours)
    expect(
      judge((history) => {
        knn.scores(history, scores)
        return scores
      }),
    ).toEqual(golden)
  })

  it.for([
    { regularisation: 100, hits: 140, ndcg: '0.0723', hitRate20: '0.2280' },
    { regularisation: 200, hits: 135, ndcg: '0.0727', hitRate20: '0.2280' },
    { regularisation: 500, hits: 137, ndcg: '0.0737', hitRate20: '0.2259' },
    { regularisation: 1000, hits: 131, ndcg: '0.0714', hitRate20: '0.2163' },
  ])('EASE, λ $regularisation: $hits hits at 10, NDCG $ndcg', { timeout: 60_000 }, ({ regularisation, ...golden }) => {
    const weights = easeWeights(rowsOfUsers, { regularisation })
    expect(
      judge((history) => {
        easeScores(weights, history, scores)
        return scores
      }),
    ).toEqual(golden)
  })

  it('implicit ALS, 32 factors: about 139 hits at 10, NDCG .0748, folded in as well as trained', { timeout: 60_000 }, () => {
    const als = new ImplicitAls(rowsOfUsers, { factors: 32, regularisation: 10, alpha: 5 })
    for (let round = 0; round < 15; round++) als.round()
    const trained = judge((_, user) => {
      als.scores(als.userVectors.subarray(32 * user, 32 * user + 32), scores)
      return scores
    })
    const folded = judge((history) => {
      als.scores(als.foldIn(history), scores)
      return scores
    })
    // Three seeds, trained and folded in, lay between 138 and 141 hits and between .0711 and .0751.
    for (const result of [trained, folded]) {
      expect(Math.abs(result.hits - 139)).toBeLessThanOrEqual(6)
      expect(Math.abs(Number(result.ndcg) - 0.0748)).toBeLessThanOrEqual(0.004)
    }
  })

  it('biased factorisation over five random folds: RMSE at most .936, MAE at most .738', { timeout: 60_000 }, () => {
    const random = createRandom('folds')
    const shuffled = ratings.slice()
    for (let n = shuffled.length - 1; n > 0; n--) {
      const other = random.below(n + 1)
      const held = shuffled[n]!
      shuffled[n] = shuffled[other]!
      shuffled[other] = held
    }
    let [rmse, mae] = [0, 0]
    for (let fold = 0; fold < 5; fold++) {
      const train = shuffled.filter((_, n) => n % 5 !== fold)
      const mf = new BiasedMf({ userCount: 943, itemCount, factors: 20 })
      mf.count(train)
      for (let epoch = 0; epoch < 20; epoch++) mf.epoch(train)
      let [squares, errors] = [0, 0]
      const test = shuffled.filter((_, n) => n % 5 === fold)
      for (const { user, item, value } of test) {
        const error = value - Math.min(5, Math.max(1, mf.predict(user, item)))
        squares += error ** 2
        errors += Math.abs(error)
      }
      rmse += Math.sqrt(squares / test.length) / 5
      mae += errors / test.length / 5
    }
    expect(rmse).toBeLessThanOrEqual(0.936)
    expect(mae).toBeLessThanOrEqual(0.738)
    // Far below would mean that test ratings were trained on.
    expect(rmse).toBeGreaterThan(0.9)
  })
})
