import { invariant } from '../core/invariant.ts'
import { betaCdf, betaQuantile } from './beta.ts'

/** What a new item did so far. */
export interface NewItemEvidence {
  readonly impressions: number
  /** At most as many as impressions. */
  readonly clicks: number
  readonly ageDays: number
}

export interface NewItemOptions {
  /** Impressions an item may cost (1000). */
  readonly impressionsMax?: number
  /** Impressions before anything is judged (50). */
  readonly impressionsMin?: number
  /** Days an item counts as new (14). */
  readonly ageDaysMax?: number
  /** x: an item is worth showing if its rate is above x times the mean; 1 is the mean itself (1). */
  readonly betterFactor?: number
  /** ε: exploring stops when the chance of that is below it, in (0, 1) (.05). */
  readonly chanceMin?: number
  /** An item graduates when its 95 % interval is at most so wide, in units of the mean (.75). */
  readonly widthMax?: number
  /** Impressions at the mean that the prior is worth, > 0 (20). */
  readonly priorWeight?: number
}

/** What becomes of a new item. */
export interface NewItemVerdict {
  /** `explore`: show it on; `stop`: it had its chance, others rank it; `graduate`: its rate is known, it ranks like all others. */
  readonly verdict: 'explore' | 'stop' | 'graduate'
  /** Which rule decided: still open, chance too small, interval narrow, budget spent, too old. */
  readonly reason: 'open' | 'worse' | 'narrow' | 'budget' | 'age'
  /** P(rate > x · mean). */
  readonly chanceBetter: number
  /** 95 % interval of its click-through rate. */
  readonly lower: number
  readonly upper: number
  /** Impressions left of its budget; 0 unless it is explored on. */
  readonly impressionsLeft: number
}

/**
 * Whether a new item is shown on, by the Beta posterior of its click-through rate: prior Beta(w · mean, w · (1 − mean)), then clicks
 * and their complements. The first that holds decides: worse than x · mean (stop), interval narrow (graduate), budget spent (stop),
 * too old (stop); features.md F6.10 and F6.12. A bad item so costs tens of impressions and not its whole budget. Judged after each
 * batch of impressions it is a sequential test: an item exactly at the mean is given up more often than ε, about one in six when
 * asked every 25 impressions at a mean of .05; one at twice the mean about one in a hundred times.
 *
 * @param mean click-through rate of the shop or of the item's category, in (0, 1).
 */
export function judgeNewItem(item: NewItemEvidence, mean: number, options: NewItemOptions = {}): NewItemVerdict {
  const { impressionsMax = 1_000, impressionsMin = 50, ageDaysMax = 14 } = options
  const { betterFactor = 1, chanceMin = 0.05, widthMax = 0.75, priorWeight = 20 } = options
  invariant(mean > 0 && mean < 1, 'new item: the mean must lie in (0, 1)')
  invariant(item.clicks >= 0 && item.clicks <= item.impressions, 'new item: clicks must lie in 0 … impressions')
  invariant(chanceMin > 0 && chanceMin < 1, 'new item: chanceMin must lie in (0, 1)')
  invariant(priorWeight > 0 && betterFactor > 0, 'new item: priorWeight and betterFactor must be above 0')
  const alpha = priorWeight * mean + item.clicks
  const beta = priorWeight * (1 - mean) + item.impressions - item.clicks
  const border = betterFactor * mean
  // The small chances are what matters: taken from the other side they keep their digits.
  const chanceBetter = betaCdf(1 - border, beta, alpha)
  const lower = betaQuantile(0.025, alpha, beta)
  const upper = betaQuantile(0.975, alpha, beta)
  const answer = (verdict: NewItemVerdict['verdict'], reason: NewItemVerdict['reason']): NewItemVerdict => {
    const impressionsLeft = verdict === 'explore' ? impressionsMax - item.impressions : 0
    return { verdict, reason, chanceBetter, lower, upper, impressionsLeft }
  }
  const isJudged = item.impressions >= impressionsMin
  if (isJudged && chanceBetter < chanceMin) return answer('stop', 'worse')
  if (isJudged && upper - lower <= widthMax * mean) return answer('graduate', 'narrow')
  if (item.impressions >= impressionsMax) return answer('stop', 'budget')
  return item.ageDays > ageDaysMax ? answer('stop', 'age') : answer('explore', 'open')
}
