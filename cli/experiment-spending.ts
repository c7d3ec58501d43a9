import { type Difference, type MeanEstimate, welchDifference } from '../algorithms/difference.ts'
import { meanEstimate, shareEstimate } from '../algorithms/mean-sums.ts'
import { capOf, capSums } from '../algorithms/tail-sums.ts'
import { addCounts } from '../operators/tables/revenue-table.ts'
import type { Experiment } from '../schemas/experiment.ts'
import { emptySpending, type VariantRevenue, type VariantSpending } from '../schemas/variant-revenue.ts'

/** Share of people whose spending counts as it is. */
const capShare = 0.999
/** Money in units of the shop's currency from here on. */
const hundredths = 100

/** What people of one variant spent, whatever they were shown. */
export interface VariantLine {
  readonly variant: string
  readonly people: number
  /** Share who bought something, and spending per person. */
  readonly buyers: number
  readonly revenuePerPerson: number
  /** Against the reference, per person, with its interval of 95 %; null for the reference itself, or with too few people. */
  readonly difference: Pick<Difference, 'value' | 'lower' | 'upper' | 'pValue'> | null
  /** The same times the people of the variant: what it brought beyond the reference. */
  readonly incremental: Pick<Difference, 'value' | 'lower' | 'upper'> | null
  /** Share of people who bought something within 7 days of their first showing. */
  readonly conversion: WindowedMean
  /** Share of people who did anything in days 22 to 28 after it. */
  readonly retention: WindowedMean
  /** What people spent within 30 days of it, who bought nothing included, capped at the 99.9 % rank. */
  readonly monthlySpending: WindowedMean
}

/** The mean of people who had all of a window for it. */
export interface WindowedMean {
  readonly people: number
  readonly mean: number
  /** Against the reference, with its interval; null for the reference itself, or with too few people. */
  readonly difference: Pick<Difference, 'value' | 'lower' | 'upper' | 'pValue'> | null
}

/** One experiment's spending. */
export interface ExperimentSpending {
  readonly experiment: string
  /** The variant that others are compared with: the holdout, or the control where there is none. */
  readonly reference: string
  readonly isHoldout: boolean
  /** What a person counts at most in `monthlySpending`; null while nobody has spent anything. */
  readonly cap: number | null
  readonly variants: readonly VariantLine[]
}

/** What the people of an experiment's variants spent, as all tasks counted it; nothing of one that none has counted yet. */
export function experimentSpending(experiment: Experiment, spending: readonly VariantRevenue[]): ExperimentSpending[] {
  const own = spending.filter((one) => one.experiment === experiment.id).flatMap(({ variants }) => variants)
  if (own.length === 0) return []
  const reference = experiment.holdout ?? experiment.control
  const sums = experiment.variants.map(({ name }) => variantSums(name, own))
  const cap = monthlyCap(sums)
  const compared = (estimateOf: (sum: VariantSpending) => MeanEstimate) => {
    const against = estimateOf(sums.find(({ variant }) => variant === reference)!)
    return (sum: VariantSpending): WindowedMean => {
      const estimate = estimateOf(sum)
      const difference = sum.variant === reference ? null : welchDifference(against, estimate, { alpha: experiment.alpha })
      return { people: estimate.count, mean: estimate.mean, difference }
    }
  }
  const spendingSince = compared(moneyOf)
  const conversionOf = compared(({ weekBuyers, weekPeople }) => shareEstimate(weekBuyers, weekPeople))
  const retentionOf = compared(({ retained, fourWeeksPeople }) => shareEstimate(retained, fourWeeksPeople))
  const monthOf = compared((sum) => monthlyMoney(sum, cap))
  const variants = sums.map((sum): VariantLine => {
    const { people, mean, difference } = spendingSince(sum)
    const all = (perPerson: number) => perPerson * people
    return {
      variant: sum.variant,
      people,
      buyers: shareEstimate(sum.buyers, people).mean,
      revenuePerPerson: mean,
      difference,
      incremental: difference && {
        value: all(difference.value),
        lower: all(difference.lower),
        upper: all(difference.upper),
      },
      conversion: conversionOf(sum),
      retention: retentionOf(sum),
      monthlySpending: monthOf(sum),
    }
  })
  return [
    {
      experiment: experiment.id,
      reference,
      isHoldout: experiment.holdout !== null,
      cap: Number.isFinite(cap) ? cap / hundredths : null,
      variants,
    },
  ]
}

function variantSums(name: string, all: readonly VariantSpending[]): VariantSpending {
  const sum = emptySpending(name)
  for (const one of all) {
    if (one.variant !== name) continue
    addCounts(sum, one, 1)
    sum.monthTails.push(...one.monthTails)
  }
  return sum
}

function moneyOf({ people, revenue, revenueSquared }: VariantSpending): MeanEstimate {
  return meanEstimate({ count: people, sum: revenue / hundredths, sumOfSquares: revenueSquared / hundredths ** 2 })
}

/** In hundredths; Infinity while it caps nobody. */
function monthlyCap(sums: readonly VariantSpending[]): number {
  const people = sums.reduce((total, { monthPeople }) => total + monthPeople, 0)
  return capOf(
    sums.map(({ monthTails }) => monthTails),
    people,
    capShare,
  )
}

function monthlyMoney(
  { monthPeople, monthRevenue, monthRevenueSquared, monthTails }: VariantSpending,
  cap: number,
): MeanEstimate {
  const plain = { count: monthPeople, y: monthRevenue, ySquared: monthRevenueSquared, x: 0, xSquared: 0, product: 0 }
  const { count, y, ySquared } = capSums(plain, monthTails, cap)
  return meanEstimate({ count, sum: y / hundredths, sumOfSquares: ySquared / hundredths ** 2 })
}
