import { personCounts } from '../../schemas/experiment-metric.ts'
import type { VariantTally } from '../../schemas/experiment-tally.ts'
import type { Reward } from '../../schemas/reward.ts'
import type { TailTally } from '../../schemas/tail-tally.ts'

/** What one person did in one experiment, by the definition: their rows, in the order in which they left the join. */
export interface PersonInExperiment {
  readonly experiment: string
  readonly variant: string
  readonly crossed: boolean
  readonly slots: number
  readonly clicks: number
  readonly likes: number
  readonly purchases: number
  readonly reward: number
  readonly buyer: number
  readonly pastClicks: number
  readonly pastPurchases: number
  readonly revenue: number
  readonly explored: number
}

/**
 * Every person in every experiment, from all rows: a slow second definition without state. Of a decision only its last row counts; before
 * the first showing of an experiment, what was known by then.
 */
export function peopleIn(rows: readonly Reward[]): PersonInExperiment[] {
  const pairs = new Set(rows.flatMap((row) => row.assignments.map(({ experiment }) => JSON.stringify([experiment, row.userId]))))
  return Array.from(pairs, (pair) => {
    const [experiment, userId] = JSON.parse(pair) as [string, string]
    const own = rows.filter((row) => row.userId === userId)
    const inside = own.filter((row) => row.assignments.some((one) => one.experiment === experiment))
    const past = lastRows(own.slice(0, own.indexOf(inside[0]!))).flatMap(plainSlots)
    const shown = lastRows(inside)
    const first = inside.filter(({ revision }) => revision === 0)
    const variants = first.map((row) => row.assignments.find((one) => one.experiment === experiment)!.variant)
    const slots = shown.flatMap(plainSlots)
    const purchases = slots.filter(({ purchased }) => purchased).length
    return {
      experiment,
      variant: variants[0]!,
      crossed: new Set(variants).size > 1,
      slots: slots.length,
      clicks: slots.filter(({ clicked }) => clicked).length,
      likes: slots.filter(({ liked }) => liked).length,
      purchases,
      reward: slots.reduce((sum, { reward }) => sum + Math.round(100 * reward), 0),
      buyer: purchases > 0 ? 1 : 0,
      pastClicks: past.filter(({ clicked }) => clicked).length,
      pastPurchases: past.filter(({ purchased }) => purchased).length,
      revenue: slots.reduce((sum, { revenue }) => sum + Math.round(100 * revenue), 0),
      explored: first.reduce((sum, row) => sum + row.slots.length - plainSlots(row).length, 0),
    }
  })
}

/** Of rows in the order in which they left, the last one of each decision. */
function lastRows(rows: readonly Reward[]): Reward[] {
  return [...new Map(rows.map((row) => [row.decisionId, row])).values()]
}

/** The sums of every variant, by experiment: those in order of their names. */
export function talliesOf(people: readonly PersonInExperiment[]): Map<string, VariantTally[]> {
  const experiments = Map.groupBy(people, ({ experiment }) => experiment)
  return new Map(Array.from(experiments, ([experiment, inside]) => [experiment, variantTallies(inside)]))
}

/** Who has any revenue, by eighths of doublings: a definition by logarithms, which the amounts of the tests are small enough for. */
export function tailsOf(people: readonly Pick<PersonInExperiment, 'revenue' | 'pastPurchases'>[]): TailTally[] {
  const eighth = ({ revenue }: { readonly revenue: number }) => {
    if (revenue < 16) return revenue
    const doublings = Math.floor(Math.log2(revenue)) - 3
    return 8 * doublings + Math.floor(revenue / 2 ** doublings)
  }
  const buckets = Map.groupBy(
    people.filter(({ revenue }) => revenue > 0),
    eighth,
  )
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([bucket, own]) => {
      const sum = (of: (person: (typeof own)[number]) => number) => own.reduce((total, person) => total + of(person), 0)
      return {
        bucket,
        people: own.length,
        y: sum(({ revenue }) => revenue),
        ySquared: sum(({ revenue }) => revenue ** 2),
        x: sum(({ pastPurchases }) => pastPurchases),
        product: sum(({ revenue, pastPurchases }) => revenue * pastPurchases),
      }
    })
}

function variantTallies(people: readonly PersonInExperiment[]): VariantTally[] {
  const variants = [...new Set(people.map(({ variant }) => variant))].sort()
  return variants.map((variant) => {
    const own = people.filter((person) => person.variant === variant)
    const sum = (of: (person: PersonInExperiment) => number) => own.reduce((total, person) => total + of(person), 0)
    return {
      variant,
      people: own.length,
      crossed: own.filter(({ crossed }) => crossed).length,
      explored: sum(({ explored }) => explored),
      sums: personCounts.map((name) => sum((person) => person[name])),
      products: personCounts.flatMap((a, at) => personCounts.slice(at).map((b) => sum((person) => person[a] * person[b]))),
      tails: tailsOf(own),
    }
  })
}

function plainSlots(row: Reward) {
  return row.slots.filter(({ slot }) => !slot.explored)
}
