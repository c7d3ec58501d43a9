import { concatMap, lastValueFrom, type OperatorFunction, of } from 'rxjs'
import type { Batch } from '../ports/batch.ts'
import type { MadeUnder } from '../schemas/assign-experiments.ts'
import type { ListDraft } from './list-draft.ts'

/** What lists are made with. */
export interface Recipes<R extends object> {
  /** That of a variant; null asks for what everybody has who is in none. The same object for the same variant. */
  of(made: MadeUnder | null): R
}

type Step = OperatorFunction<Batch<ListDraft>, Batch<ListDraft>>

/**
 * Runs a step with each list's own recipe: the drafts of one recipe pass together through one copy of the step, those of another through
 * another, side by side.
 *
 *     source  x----y--|      x = [a of recipe 1, b of recipe 2, c of recipe 1]
 *     result  ---x----y--|   x = [a, b, c]: a and c through one copy, b through the other
 *
 * - Order: drafts keep theirs, so the step must return as many as it gets; batches keep theirs.
 * - Bound: a copy of the step per recipe that is still in use.
 * - Time: none of its own.
 * - Complete: after the running batch.
 * - Error: one of any copy passes on.
 */
export function perRecipe<R extends object>(recipes: Recipes<R>, create: (recipe: R) => Step): Step {
  const steps = new WeakMap<R, Step>()
  const stepOf = (recipe: R): Step => {
    const known = steps.get(recipe) ?? create(recipe)
    steps.set(recipe, known)
    return known
  }
  return concatMap(async (batch) => {
    const parts = Map.groupBy(batch.records, ({ made }) => recipes.of(made))
    // A batch without drafts moves time in the step too.
    if (parts.size === 0) parts.set(recipes.of(null), [])
    const made = await Promise.all(
      Array.from(parts, ([recipe, records]) => lastValueFrom(of({ ...batch, records }).pipe(stepOf(recipe)))),
    )
    if (made.length === 1) return { ...batch, records: made[0]!.records }
    const left = new Map([...parts.keys()].map((recipe, at) => [recipe, made[at]!.records.values()]))
    return { ...batch, records: batch.records.map((draft) => left.get(recipes.of(draft.made))!.next().value!) }
  })
}
