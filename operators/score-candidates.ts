import { concatMap, type OperatorFunction } from 'rxjs'
import { candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { Catalogue } from '../algorithms/catalogue.ts'
import { linearRank } from '../algorithms/linear-ranker.ts'
import { rankerWidth, writeRankerFeatures } from '../algorithms/ranker-features.ts'
import { reactionOf } from '../core/errors.ts'
import type { Batch } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { Scorer } from '../ports/scorer.ts'
import { linearRanker } from '../schemas/exploration.ts'
import type { ListDraft } from './list-draft.ts'

export interface ScoreOptions {
  readonly model: string
  /** The version of it that scores; '' = the one the workers' policy serves. */
  readonly version: string
  /** The version asked where that one is not served; null = none, the list is scored linearly. */
  readonly versionInstead: string | null
  /** The best rung that lists may have: `linear` asks no model. */
  readonly rung: 'ranker' | 'linear'
  /** Told how many lists were asked for a version that is not served. */
  readonly missed?: (lists: number) => void
  /** Rows of one request to the scorer at most; lists are not split. */
  readonly rowsMax: number
  /** A list whose event is older than this when it is scored gets the `session` rung: a backlog must not wait for a model. */
  readonly shedAfterMs: number
  /** Whether drafts keep what the ranker's last layer holds of each candidate, where the model tells it. */
  readonly keepsHidden: boolean
}

/** Heads of the ranker and their share of the score (features.md F4.4). */
export const rankerHeads = ['p_click', 'p_like', 'p_purchase'] as const
export const rankerHeadWeights = [0.5, 0.3, 0.2] as const

/** The output of a ranker that tells its last hidden layer. */
const hiddenOutput = 'hidden'

/** Sources that know something of the person; without any, the list is a trend list. */
const personalSources = [
  'session',
  'similar',
  'together',
  'category',
  'content',
  'two_tower',
  'user_knn',
  'sequence',
  'association',
  'sequential',
].map((name) => candidateSources.indexOf(name as never))

/**
 * Scores every candidate with the ranker, and steps down declared rungs where it cannot: no answer → `linear`, too far behind
 * → `session` (no features at all), nobody known → `trend`.
 *
 *     source  x----y--|      x = [draft, draft]   y = [draft]
 *     result  ---x----y--|   (later by the scorer's answers for the whole batch)
 *
 * - Order: drafts keep theirs; batches keep theirs.
 * - Bound: one feature matrix per batch, reused by the next; requests of `rowsMax` rows, all of a batch together.
 * - Time: reads the clock to shed only; a replay that never sheds is the same.
 * - Complete: after the running batch.
 * - Error: a scorer that cannot answer lowers the rung; anything else passes on.
 */
export function scoreCandidates(
  scorer: Scorer,
  catalogue: Catalogue,
  clock: Clock,
  options: ScoreOptions,
): OperatorFunction<Batch<ListDraft>, Batch<ListDraft>> {
  // Rows of all drafts of a batch, reused by the next one: as memory of their own they made most of the garbage.
  let matrix = new Float32Array(0)
  return concatMap(async (batch) => {
    const shedBeforeMs = clock.nowMs() - options.shedAfterMs
    const scored = batch.records.filter((draft) => draft.update.loggedMs >= shedBeforeMs)
    const rows = scored.reduce((sum, draft) => sum + draft.set.count, 0)
    if (matrix.length < rows * rankerWidth) matrix = new Float32Array(rows * rankerWidth)
    const requests: Span[] = []
    let at = 0
    for (const draft of batch.records) {
      if (draft.update.loggedMs < shedBeforeMs) {
        scoreBySources(draft)
        continue
      }
      const { count } = draft.set
      draft.features = matrix.subarray(at * rankerWidth, (at + count) * rankerWidth)
      writeRankerFeatures(draft.features, 0, draft.set, catalogue, draft.ranker)
      const drawn = draft.exploration?.ranker?.arm ?? null
      const last = requests.at(-1)
      if (!isPersonal(draft)) scoreLinearly(draft, 'trend')
      else if (drawn === linearRanker || (drawn === null && options.rung === 'linear')) scoreLinearly(draft, 'linear')
      else if (last && last.drawn === drawn && last.to === at && at + count - last.from <= options.rowsMax) {
        last.drafts.push(draft)
        last.to = at + count
      } else requests.push({ drawn, drafts: [draft], from: at, to: at + count })
      at += count
    }
    await Promise.all(requests.map((span) => scoreByModel(span, matrix, scorer, options)))
    return batch
  })
}

/** Drafts that are scored by one request: rows `from` to `to` of the batch's matrix. */
interface Span {
  /** The version drawn for them, null for the configured one. */
  readonly drawn: string | null
  readonly drafts: ListDraft[]
  readonly from: number
  to: number
}

async function scoreByModel(span: Span, matrix: Float32Array, scorer: Scorer, options: ScoreOptions): Promise<void> {
  const { version, versionInstead, missed } = options
  if (await scoreByVersion(span, matrix, scorer, { ...options, version: span.drawn ?? version })) return
  // Slow or overloaded it was asked in vain; only one that nobody serves is worth asking for another.
  if (versionInstead !== null && !scorer.ready(options.model, version)) {
    missed?.(span.drafts.length)
    if (await scoreByVersion(span, matrix, scorer, { ...options, version: versionInstead })) return
  }
  for (const draft of span.drafts) scoreLinearly(draft, 'linear')
}

/** Whether a version of the model could be asked; if so it scored the drafts. */
async function scoreByVersion(
  { drafts, from, to }: Span,
  matrix: Float32Array,
  scorer: Scorer,
  { model, version, keepsHidden }: ScoreOptions,
): Promise<boolean> {
  if (!scorer.ready(model, version)) return false
  try {
    const features = matrix.subarray(from * rankerWidth, to * rankerWidth)
    const extra = keepsHidden ? [hiddenOutput] : []
    const scored = await scorer.score(model, features, to - from, rankerHeads, version, extra)
    const hidden = scored.outputs[rankerHeads.length]
    const hiddenWidth = (hidden?.length ?? 0) / (to - from)
    let at = 0
    for (const draft of drafts) {
      blend(draft, scored.outputs, at)
      draft.rung = 'ranker'
      draft.modelVersion = scored.version
      if (hidden && hiddenWidth > 0) draft.hidden = hidden.subarray(at * hiddenWidth, (at + draft.set.count) * hiddenWidth)
      at += draft.set.count
    }
    return true
  } catch (error) {
    if (reactionOf(error) !== 'degrade') throw error
    return false
  }
}

function blend(draft: ListDraft, outputs: readonly Float32Array[], from: number): void {
  draft.scores = new Float64Array(draft.set.count)
  for (let place = 0; place < draft.set.count; place++) {
    let score = 0
    for (let head = 0; head < rankerHeads.length; head++) score += rankerHeadWeights[head]! * outputs[head]![from + place]!
    draft.scores[place] = Number.isFinite(score) ? score : 0
  }
}

function scoreLinearly(draft: ListDraft, rung: 'linear' | 'trend'): void {
  draft.scores = linearRank(draft.features, draft.set.count)
  draft.rung = rung
}

/** The cheapest rung: the sum of source scores, sessions first. */
function scoreBySources(draft: ListDraft): void {
  draft.scores = new Float64Array(draft.set.count)
  for (let place = 0; place < draft.set.count; place++) {
    let score = draft.set.scores[place * sourceCount]!
    for (let source = 0; source < sourceCount; source++) score += draft.set.scores[place * sourceCount + source]!
    draft.scores[place] = score
  }
  draft.rung = isPersonal(draft) ? 'session' : 'trend'
}

function isPersonal(draft: ListDraft): boolean {
  for (let place = 0; place < draft.set.count; place++) {
    for (const source of personalSources) if (draft.set.scores[place * sourceCount + source]! > 0) return true
  }
  return false
}
