import { expect, it } from 'vitest'
import { meanRankingMetrics, type RankingMetrics, rankingMetrics } from '../../algorithms/ranking-metrics.ts'
import { insertBest, topK } from '../../algorithms/top-k.ts'
import { describeWithData } from './describe-with-data.ts'

/** Leave-one-out by time over all 1,682 items, ties by item index (recsys-notes.md section 7). */
describeWithData('movielens-100k', 'ranking on MovieLens 100K', (rows) => {
  const itemCount = 1682
  const byUser = new Map<number, number[]>()
  const ratings = rows('ml-100k.inter.tsv.gz').map((row, order) => ({
    user: Number(row[0]),
    item: Number(row[1]) - 1,
    time: Number(row[3]),
    order,
  }))
  ratings.sort((a, b) => a.time - b.time || a.order - b.order)
  for (const { user, item } of ratings) byUser.set(user, [...(byUser.get(user) ?? []), item])
  const users = [...byUser.values()].map((items) => ({ history: items.slice(0, -1), target: items.at(-1)! }))
  const counts = new Float64Array(itemCount)
  for (const { history } of users) for (const item of history) counts[item]!++

  function judge(scoreOf: (history: readonly number[]) => Float64Array): { hits: number; ndcg: string; hitRate20: string } {
    const at10: (RankingMetrics | null)[] = []
    let hits20 = 0
    for (const { history, target } of users) {
      const seen = new Uint8Array(itemCount)
      for (const item of history) seen[item] = 1
      const list = topK(scoreOf(history), 20, seen).indices
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

  it('item cosine, 50 neighbours of the target: 112 hits at 10, NDCG .0661, HR@20 .1888', () => {
    const together = new Float64Array(itemCount * itemCount)
    for (const { history } of users) for (const a of history) for (const b of history) together[a * itemCount + b]!++
    const kept = new Float64Array(itemCount * itemCount)
    for (let target = 0; target < itemCount; target++) {
      const neighbours = new Int32Array(50)
      const weights = new Float64Array(50)
      let filled = 0
      for (let other = 0; other < itemCount; other++) {
        const count = together[target * itemCount + other]!
        if (other === target || count === 0) continue
        filled = insertBest(neighbours, weights, filled, other, count / Math.sqrt(counts[target]! * counts[other]!))
      }
      for (let n = 0; n < filled; n++) kept[neighbours[n]! * itemCount + target] = weights[n]!
    }
    const result = judge((history) => {
      const scores = new Float64Array(itemCount)
      for (const item of history)
        for (let target = 0; target < itemCount; target++) scores[target]! += kept[item * itemCount + target]!
      return scores
    })
    expect(result).toEqual({ hits: 112, ndcg: '0.0661', hitRate20: '0.1888' })
  })
})
