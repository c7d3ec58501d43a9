import { lastValueFrom, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { rankerWidth } from '../../algorithms/ranker-features.ts'
import { ManualClock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ListDraft } from '../../operators/list-draft.ts'
import { type ScoreOptions, scoreCandidates } from '../../operators/score-candidates.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { catalogueOf, draftOf } from './list-draft-fixture.ts'
import { batchOf } from './marbles.ts'

const catalogue = catalogueOf({ a: {}, b: {}, c: {} })
const options: ScoreOptions = {
  model: 'ranker',
  rowsMax: 4,
  shedAfterMs: 1_000,
  version: '',
  versionInstead: null,
  rung: 'ranker',
  keepsHidden: false,
}
const nowMs = 10_000
const personal = { a: { session: 1, popular: 0.5 }, b: { popular: 1 }, c: { similar: 0.5 } }
const anybody = { a: { popular: 1 }, b: { trend: 1 } }

/** A scorer with these rows for each head, all requests together; what it was asked is written down. */
function scorerOf(heads: readonly (readonly number[])[], asked: number[] = []): Scorer {
  let from = 0
  return {
    ready: () => true,
    score: (_model, features, rows, outputs) => {
      expect([features.length, outputs.length]).toEqual([rows * rankerWidth, heads.length])
      asked.push(rows)
      const at = from
      from += rows
      return Promise.resolve({ outputs: heads.map((values) => Float32Array.from(values.slice(at, at + rows))), version: '3' })
    },
  }
}

async function score(scorer: Scorer, ...drafts: ListDraft[]): Promise<void> {
  await scoreWith(options, scorer, ...drafts)
}

async function scoreWith(given: ScoreOptions, scorer: Scorer, ...drafts: ListDraft[]): Promise<void> {
  await lastValueFrom(of(batchOf(...drafts)).pipe(scoreCandidates(scorer, catalogue, new ManualClock(nowMs), given)))
}

const fresh = (candidates: Parameters<typeof draftOf>[1]['candidates']) => draftOf(catalogue, { candidates, loggedMs: nowMs })
const failing = (code: 'MILL_INFERENCE_TIMEOUT' | 'MILL_INVARIANT'): Scorer => ({
  ready: () => true,
  score: () => Promise.reject(new MillraceError(code, 'no')),
})

describe('scoreCandidates', () => {
  it('blends the heads half, three tenths, a fifth, and stamps rung and version', async () => {
    const draft = fresh(personal)
    await score(
      scorerOf([
        [1, 0, 0.5],
        [0, 1, 0.5],
        [0, 0, 1],
      ]),
      draft,
    )
    expect([...draft.scores].map((one) => one.toFixed(6))).toEqual(['0.500000', '0.300000', '0.600000'])
    expect([draft.rung, draft.modelVersion]).toEqual(['ranker', '3'])
  })

  it('keeps each draft’s rows of the last layer where it is asked to and the model tells it', async () => {
    const told = async (layer: readonly number[], keepsHidden: boolean) => {
      const drafts = [fresh({ a: { session: 1 } }), fresh(personal)]
      const scorer: Scorer = {
        ready: () => true,
        score: async (_model, _features, rows, outputs, _version, extra = []) => ({
          outputs: [...outputs.map(() => new Float32Array(rows)), ...extra.map(() => Float32Array.from(layer))],
          version: '3',
        }),
      }
      const operator = scoreCandidates(scorer, catalogue, new ManualClock(nowMs), { ...options, keepsHidden })
      await lastValueFrom(of(batchOf(...drafts)).pipe(operator))
      return drafts.map(({ hidden }) => hidden && [...hidden])
    }
    expect(await told([1, 2, 3, 4, 5, 6, 7, 8], true)).toEqual([
      [1, 2],
      [3, 4, 5, 6, 7, 8],
    ])
    expect(await told([], true)).toEqual([undefined, undefined])
    expect(await told([1, 2, 3, 4, 5, 6, 7, 8], false)).toEqual([undefined, undefined])
  })

  it('lets scores that are no numbers sink below all others', async () => {
    const draft = fresh(personal)
    await score(
      scorerOf([
        [Number.NaN, 0.1, Number.POSITIVE_INFINITY],
        [1, 0.1, 1],
        [1, 0.1, 1],
      ]),
      draft,
    )
    expect([...draft.scores].map((one) => one.toFixed(6))).toEqual(['0.000000', '0.100000', '0.000000'])
  })

  it('joins drafts up to the row limit, never splits one, and gives each its own rows', async () => {
    const drafts = [fresh(personal), fresh(personal), fresh({ a: { session: 1 } })]
    const asked: number[] = []
    const rows = [1, 2, 3, 4, 5, 6, 7].map((one) => one / 10)
    await score(scorerOf([rows, rows, rows], asked), ...drafts)
    expect(asked).toEqual([3, 4])
    expect(drafts.map(({ scores }) => [...scores].map((one) => one.toFixed(1)))).toEqual([
      ['0.1', '0.2', '0.3'],
      ['0.4', '0.5', '0.6'],
      ['0.7'],
    ])
  })

  it.each([
    ['a worker too late', failing('MILL_INFERENCE_TIMEOUT')],
    ['no model', { ...failing('MILL_INVARIANT'), ready: () => false }],
  ])('steps down to the linear ranker: %s', async (_name, scorer) => {
    const draft = fresh(personal)
    await score(scorer, draft)
    expect([draft.rung, draft.modelVersion, draft.scores.length]).toEqual(['linear', '', 3])
    expect([...draft.scores].every(Number.isFinite)).toBe(true)
  })

  it('asks for the version it is given, for the other one where that is not served, and tells how many lists that was', async () => {
    const served = new Set(['', '4'])
    const asked: string[] = []
    const away = new Set<string>()
    const scorer: Scorer = {
      ready: (_model, version = '') => !away.has(version),
      score: (_model, _features, rows, outputs, version = '') => {
        asked.push(version)
        if (version === 'slow') return Promise.reject(new MillraceError('MILL_INFERENCE_TIMEOUT', 'late'))
        if (served.has(version))
          return Promise.resolve({ outputs: outputs.map(() => new Float32Array(rows)), version: version || '5' })
        away.add(version)
        return Promise.reject(new MillraceError('MILL_INFERENCE_INVALID', `no version ${version}`))
      },
    }
    let missed = 0
    const given = (version: string, versionInstead: string | null): ScoreOptions => ({
      ...options,
      version,
      versionInstead,
      missed: (lists) => {
        missed += lists
      },
    })
    const scored = async (...versions: [string, string | null]) => {
      const [one, two] = [fresh({ a: { session: 1 } }), fresh({ b: { session: 1 } })]
      missed = 0
      await scoreWith(given(...versions), scorer, one, two)
      expect([two.rung, two.modelVersion]).toEqual([one.rung, one.modelVersion])
      return [one.rung, one.modelVersion, missed, asked.splice(0).join()]
    }
    expect(await scored('4', '')).toEqual(['ranker', '4', 0, '4'])
    expect(await scored('7', '4')).toEqual(['ranker', '4', 2, '7,4'])
    // Known to be away it is not even asked, and other versions go on.
    expect(await scored('7', '')).toEqual(['ranker', '5', 2, ''])
    expect(await scored('7', null)).toEqual(['linear', '', 0, ''])
    expect(await scored('slow', '4')).toEqual(['linear', '', 0, 'slow'])
  })

  it('asks nobody where the linear rung is the best one wanted', async () => {
    const draft = fresh(personal)
    await scoreWith({ ...options, rung: 'linear' }, failing('MILL_INVARIANT'), draft)
    expect(draft.rung).toBe('linear')
  })

  it('a broken promise of the scorer is no reason for a lower rung', async () => {
    await expect(score(failing('MILL_INVARIANT'), fresh(personal))).rejects.toMatchObject({ code: 'MILL_INVARIANT' })
  })

  it('asks no model for somebody nobody knows: the trend rung', async () => {
    const draft = fresh(anybody)
    await score(failing('MILL_INVARIANT'), draft)
    expect([draft.rung, draft.scores.length]).toEqual(['trend', 2])
  })

  it('too far behind it sums the sources, sessions twice, without features: the session rung, or trend', async () => {
    const late = (candidates: Parameters<typeof draftOf>[1]['candidates']) =>
      draftOf(catalogue, { candidates, loggedMs: nowMs - 1_001 })
    const drafts = [late(personal), late(anybody), draftOf(catalogue, { candidates: personal, loggedMs: nowMs - 1_000 })]
    await score(
      scorerOf([
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ]),
      ...drafts,
    )
    expect(drafts.map(({ rung }) => rung)).toEqual(['session', 'trend', 'ranker'])
    expect([...drafts[0]!.scores]).toEqual([2.5, 1, 0.5])
  })
})
