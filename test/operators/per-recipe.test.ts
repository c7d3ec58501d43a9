import { concatMap, delay, firstValueFrom, map, of } from 'rxjs'
import { expect, it } from 'vitest'
import { assignVariants } from '../../operators/assign-variants.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import { perRecipe } from '../../operators/per-recipe.ts'
import type { Batch } from '../../ports/batch.ts'
import { assignExperiments } from '../../schemas/assign-experiments.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { experimentOf } from '../gateway/experiment-of.ts'
import { catalogueOf, draftOf } from './list-draft-fixture.ts'
import { batchOf, marbles } from './marbles.ts'

const catalogue = catalogueOf({ a: {} })
const people = Array.from({ length: 40 }, (_, n) => `user-${n}`)
const lists = experimentOf('lists', {
  variants: [
    { name: 'a', weight: 1, policy: null, settings: null },
    { name: 'b', weight: 1, policy: null, settings: '{"ranker":{"version":"2"}}' },
  ],
})

function draftFor(userId: string): ListDraft {
  const draft = draftOf(catalogue, { candidates: { a: { popular: 1 } } })
  return { ...draft, update: { ...draft.update, userId }, modelVersion: userId }
}

async function assigned(running: readonly Experiment[]): Promise<readonly ListDraft[]> {
  const batch = batchOf(...people.map(draftFor))
  return (await firstValueFrom(of(batch).pipe(assignVariants({ running }, { surface: 'home' })))).records
}

it('assignVariants makes a list under the variant that the gateway gives its person, and under none where none has settings', async () => {
  const [policies, elsewhere] = [experimentOf('policies'), { ...lists, id: 'elsewhere', surfaces: ['cart'] }]
  for (const { made } of await assigned([policies, elsewhere])) expect(made).toBeNull()
  const drafts = await assigned([elsewhere, lists])
  for (const { update, made } of drafts) {
    const { deciding, made: served } = assignExperiments([elsewhere, lists], {
      ...update,
      surface: 'home',
      timeMs: update.eventTimeMs,
    })
    expect({ experiment: made!.experiment.id, variant: made!.variant.name }).toEqual(deciding)
    expect(made).toEqual(served)
  }
  expect(new Set(drafts.map(({ made }) => made!.variant.name)).size).toBe(2)
  // Its own event time decides, which is 5 here: before the experiment begins nothing is made under it.
  for (const { made } of await assigned([{ ...lists, fromMs: 6 }])) expect(made).toBeNull()
})

it('perRecipe takes each draft through the step of its recipe, one request each, and keeps their order', async () => {
  const drafts = await assigned([lists])
  const [plain, other] = [{ add: '+' }, { add: '-' }]
  const asked: string[] = []
  const step = perRecipe({ of: (made) => (made?.variant.name === 'b' ? other : plain) }, ({ add }) => {
    asked.push(`made ${add}`)
    return concatMap((batch: Batch<ListDraft>) => {
      asked.push(`${add}${batch.records.length}`)
      const records = batch.records.map((draft) => ({ ...draft, modelVersion: `${draft.modelVersion}${add}` }))
      // The first recipe answers last.
      return of({ ...batch, records }).pipe(delay(add === '+' ? 5 : 0))
    })
  })
  for (let twice = 0; twice < 2; twice++) {
    const left = await firstValueFrom(of(batchOf(...drafts)).pipe(step))
    expect(left.records.map(({ modelVersion }) => modelVersion)).toEqual(
      drafts.map(({ update, made }) => `${update.userId}${made!.variant.name === 'b' ? '-' : '+'}`),
    )
    expect([left.from, left.to]).toEqual([10, 20])
  }
  const inB = drafts.filter(({ made }) => made!.variant.name === 'b').length
  expect(asked.filter((one) => one.startsWith('made')).sort()).toEqual(['made +', 'made -'])
  expect(asked.filter((one) => !one.startsWith('made')).sort()).toEqual(
    [`+${40 - inB}`, `+${40 - inB}`, `-${inB}`, `-${inB}`].sort(),
  )
})

it('perRecipe passes on empty batches, completion and errors', async () => {
  const step = perRecipe({ of: () => plainRecipe }, () => map((batch: Batch<ListDraft>) => batch))
  expect((await firstValueFrom(of(batchOf<ListDraft>()).pipe(step))).records).toEqual([])
  marbles(({ cold, expectObservable }) => {
    expectObservable(cold<Batch<ListDraft>>('--|').pipe(step)).toBe('--|')
    expectObservable(cold<Batch<ListDraft>>('--#').pipe(step)).toBe('--#')
  })
  const failing = perRecipe({ of: () => plainRecipe }, () =>
    map((): Batch<ListDraft> => {
      throw new Error('broken')
    }),
  )
  await expect(firstValueFrom(of(batchOf(draftFor('u'))).pipe(failing))).rejects.toThrow('broken')
})

const plainRecipe = {}
