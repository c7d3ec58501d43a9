import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type CandidateSourceName, sourceCount } from '../../algorithms/candidate-set.ts'
import { ManualClock } from '../../core/clock.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import { toRecommendations } from '../../operators/to-recommendations.ts'
import { explorationDefaults } from '../../schemas/exploration.ts'
import { catalogueOf, draftOf } from './list-draft-fixture.ts'
import { batchOf } from './marbles.ts'

const options = { surface: 'home', policy: 'learned', policyVersion: '4', itemsMax: 2 }
const catalogue = catalogueOf({ a: {}, b: {}, c: {}, because: { category: ['shoes', 'boots'] } })
const because = catalogue.rowOf('because')

async function finish(draft: ListDraft) {
  const operator = toRecommendations(catalogue, new ManualClock(1_000), options)
  return (await lastValueFrom(of(batchOf(draft)).pipe(operator))).records[0]!
}

describe('toRecommendations', () => {
  it('turns a draft into its list and its reserve', async () => {
    const candidates = { a: { popular: 1 }, b: { session: 0.5 }, c: { trend: 1 } }
    const draft = draftOf(catalogue, { candidates, scores: [0.25, 0.5, 0.125], listId: 'mine' })
    draft.order = Int32Array.of(1, 0, 2)
    draft.rung = 'ranker'
    draft.modelVersion = '9'
    const { recommendation, reserve } = await finish(draft)
    expect(recommendation).toMatchObject({
      listId: 'mine',
      userId: 'u',
      surface: 'home',
      generatedMs: 1_000,
      watermarkMs: 5,
      loggedMs: 7,
      policy: 'learned',
      policyVersion: '4',
      seed: 'mine',
      rung: 'ranker',
      modelVersion: '9',
    })
    expect(recommendation.items).toMatchObject([
      { itemId: 'b', score: 0.5, sources: ['session'], propensity: 1, explored: false },
      { itemId: 'a', score: 0.25, sources: ['popular'], propensity: 1, explored: false },
    ])
    expect(reserve).toMatchObject([{ itemId: 'c', score: 0.125 }])
  })

  it.each<[CandidateSourceName, string, string | null]>([
    ['session', 'similar_session', 'because'],
    ['similar', 'seen_together', 'because'],
    ['together', 'bought_together', 'because'],
    ['trend', 'trending', 'because'],
    ['content', 'like_what_you_read', 'because'],
    ['two_tower', 'matches_your_taste', 'because'],
    ['popular', 'popular', null],
    ['fresh', 'exploring', null],
  ])('says why for the source %s', async (source, code, itemId) => {
    const follows = itemId === null ? {} : { a: { [source]: because } }
    const { recommendation } = await finish(
      draftOf(catalogue, { candidates: { a: { [source]: 1 } }, because: follows, scores: [1] }),
    )
    expect(recommendation.items[0]).toMatchObject({ reason: { code, itemId, scope: null }, sources: [source] })
  })

  it('a category follows from its name, not from an item', async () => {
    const boots = catalogue.categories.add('boots')
    const parts = { candidates: { a: { category: 1 } }, because: { a: { category: boots } }, scores: [1] }
    const { recommendation } = await finish(draftOf(catalogue, parts))
    expect(recommendation.items[0]!.reason).toEqual({ code: 'popular_in_category', itemId: null, scope: 'boots' })
  })

  it('the reason is that of the strongest source, the more personal one weighing more', async () => {
    // .5 · 1 of the session beats 1 · .4 of the trend and 1 · .3 of popularity; .35 does not.
    const at = (session: number) =>
      finish(draftOf(catalogue, { candidates: { a: { popular: 1, trend: 1, session } }, scores: [1] }))
    expect((await at(0.5)).recommendation.items[0]).toMatchObject({
      reason: { code: 'similar_session' },
      sources: ['session', 'trend', 'popular'],
    })
    expect((await at(0.35)).recommendation.items[0]).toMatchObject({
      reason: { code: 'trending' },
      sources: ['trend', 'session', 'popular'],
    })
  })

  it('tells what rules did, and of an item that no source brought that the shop put it there', async () => {
    const draft = draftOf(catalogue, { candidates: { a: { popular: 1 }, b: { popular: 1 } }, scores: [1, 0.5] })
    draft.set.scores.fill(0, 0, sourceCount)
    draft.ruled = {
      moves: [
        { ruleId: 'top', kind: 'pinned', itemId: 'a', from: -1, to: 0 },
        { ruleId: null, kind: 'back-filled', itemId: 'b', from: 1, to: 1 },
      ],
      violations: [{ ruleId: 'two', what: 'there are none' }],
    }
    const { items, rules } = (await finish(draft)).recommendation
    expect(items[0]).toMatchObject({ itemId: 'a', sources: [], reason: { code: 'promoted', itemId: null, scope: null } })
    expect(rules).toEqual([
      { ruleId: 'two', kind: 'broken', itemId: null },
      { ruleId: 'top', kind: 'pinned', itemId: 'a' },
    ])
  })

  it('the explored slot names its arm first and carries the chance it was drawn with', async () => {
    const candidates = { a: { popular: 1 }, b: { popular: 1, session: 1 } }
    const draft = draftOf(catalogue, { candidates, scores: [1, 0.5] })
    const chosen = { slot: 1, policy: 'beta-thompson', arms: ['session', 'popular'], chances: [0.875, 0.125], draws: 0 }
    const told = { ...explorationDefaults, ...chosen }
    draft.exploration = { ...told, over: 'source', drawn: [{ slot: 1, arm: 'popular', propensity: 0.125 }] }
    const { items, exploration } = (await finish(draft)).recommendation
    expect(exploration).toEqual(told)
    expect(items.map(({ explored, propensity, sources }) => [explored, propensity, sources])).toEqual([
      [false, 1, ['popular']],
      [true, 0.125, ['popular', 'session']],
    ])
  })
})
