import { CandidateSet } from '../algorithms/candidate-set.ts'
import { rankerWidth } from '../algorithms/ranker-features.ts'
import type { FinishedList, ListDraft } from '../operators/list-draft.ts'
import { createDraftReranker } from '../operators/rerank.ts'
import type { Rung } from '../schemas/recommendation.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import { type ContributionOptions, featureContributions, type ScoreExplanation } from './feature-contributions.ts'
import type { ListWorkbench } from './list-workbench.ts'
import type { ForestOf } from './read-forest.ts'
import { ruleEffect } from './rule-effect.ts'
import { type SourceReport, sourceReport } from './source-report.ts'

/** One stage of the way of an item into a list. */
export interface Stage {
  /** `catalogue`, `sources`, `candidate-cap`, or a step of `recommendations`. */
  readonly stage: string
  readonly passed: boolean
  readonly detail: string
}

/** How far an item came in a dry run. */
export interface WhyNot {
  readonly itemId: string
  /** Where it ended: the stage it did not pass (`pool` and `places` are the two ways out of `rerank`), `reserve` or `list`. */
  readonly end: string
  readonly detail: string
  readonly stages: readonly Stage[]
  readonly sources: readonly SourceReport[]
  /** How its features scored it against the first items of the list; null if it was not scored, or without features. */
  readonly explanation: ScoreExplanation | null
  /** The list that the dry run made. */
  readonly rung: Rung | null
  readonly modelVersion: string
  readonly items: readonly string[]
}

/** Rows that an absent item is compared with: what a page shows. */
const comparedMax = 20

/** Follows an item through the steps of `recommendations` on a person's features as they are now. Errors: those of the steps. */
export async function whyNot(
  bench: ListWorkbench,
  features: UserFeatures,
  itemId: string,
  options: { readonly listId: string | null; readonly draws: number; readonly forestOf: ForestOf },
): Promise<WhyNot> {
  const trail = new Trail(bench, itemId)
  for await (const { id, record, again } of bench.steps(features, options.listId)) {
    if (isFinished(record)) await trail.finish(record, options)
    else if (isDraft(record)) await trail.follow(id, record, again)
  }
  return trail.result()
}

class Trail {
  readonly #bench: ListWorkbench
  readonly #itemId: string
  readonly #row: number
  readonly #stages: Stage[] = []
  #sources: readonly SourceReport[] = []
  #end: { readonly end: string; readonly detail: string } | null = null
  #explanation: ScoreExplanation | null = null
  #made: FinishedList | null = null
  /** Its place in the order after the step before; -1 none. */
  #at = -1
  /** What moved it away from its place by score. */
  readonly #moved: string[] = []

  constructor(bench: ListWorkbench, itemId: string) {
    this.#bench = bench
    this.#itemId = itemId
    const { catalogue } = bench.ports.catalogue
    this.#row = catalogue.items.find(itemId)
    const wrong =
      this.#row < 0
        ? 'it is not in the catalogue: no item, event or neighbour names it'
        : catalogue.withdrawn[this.#row] === 1
          ? 'it is withdrawn'
          : catalogue.stock[this.#row] === 0
            ? 'it is out of stock'
            : null
    const known = this.#row >= 0 && catalogue.known[this.#row] === 1 ? 'available' : 'named by events; there is no catalogue data'
    this.#pass('catalogue', wrong === null, wrong ?? known)
  }

  /** Looks at a draft after a step. */
  async follow(step: string, draft: ListDraft, again: (record: unknown) => Promise<unknown>): Promise<void> {
    const place = draft.set.rows.subarray(0, draft.set.count).indexOf(this.#row)
    const at = place < 0 ? -1 : draft.order.indexOf(place)
    // The exploration slot and rules bring items back that were left out before.
    if (this.#end && at >= 0) this.#end = null
    if (this.#end) return
    if (step === 'retrieve') this.#retrieved(draft, place)
    else if (step === 'score') this.#scored(draft, place)
    else if (step === 'blend') this.#blended(draft, place)
    else if (step === 'rerank') this.#reranked(draft, place)
    else if (step === 'explore' || step === 'promote' || step === 'rule') this.#moves(step, draft, at)
    else if (step !== 'draft' && step !== 'assign') await this.#filtered(step, draft, place, again)
    this.#at = at
  }

  /** Looks at the finished list, which is kept. */
  async finish(made: FinishedList, options: Pick<ContributionOptions, 'draws' | 'forestOf'>): Promise<void> {
    this.#made = made
    const { draft, recommendation, reserve } = made
    const own = draft.set.rows.subarray(0, draft.set.count).indexOf(this.#row)
    if (own >= 0 && draft.features.length > 0) {
      const rowOf = (place: number) => draft.features.subarray(place * rankerWidth, (place + 1) * rankerWidth)
      const first = draft.order.subarray(0, Math.min(comparedMax, recommendation.items.length))
      const background = new Float32Array(first.length * rankerWidth)
      first.forEach((place, at) => {
        background.set(rowOf(place), at * rankerWidth)
      })
      this.#explanation = await featureContributions(rowOf(own), background, {
        ...options,
        rung: draft.rung,
        modelVersion: draft.modelVersion,
        scorer: this.#bench.scorer,
        model: this.#bench.ports.recipes.of(draft.made).score.model,
        seed: `${draft.listId} ${this.#itemId}`,
      })
    }
    if (this.#end) return
    const at = recommendation.items.findIndex(({ itemId }) => itemId === this.#itemId)
    const spare = reserve.findIndex(({ itemId }) => itemId === this.#itemId)
    const stands = at >= 0 ? `it is on the list at place ${at}` : `it waits in the reserve at place ${spare} of ${reserve.length}`
    const detail = this.#moved.length === 0 ? stands : `${stands}; moved by ${this.#moved.join(', then by ')}`
    this.#stages.push({ stage: 'finish', passed: at >= 0, detail })
    this.#end = { end: at >= 0 ? 'list' : 'reserve', detail }
  }

  result(): WhyNot {
    const { end, detail } = this.#end!
    return {
      itemId: this.#itemId,
      end,
      detail,
      stages: this.#stages,
      sources: this.#sources,
      explanation: this.#explanation,
      rung: this.#made?.recommendation.rung ?? null,
      modelVersion: this.#made?.recommendation.modelVersion ?? '',
      items: this.#made?.recommendation.items.map(({ itemId }) => itemId) ?? [],
    }
  }

  #pass(stage: string, passed: boolean, detail: string, end = stage): void {
    this.#stages.push({ stage, passed, detail })
    if (!passed) this.#end = { end, detail }
  }

  #retrieved(draft: ListDraft, place: number): void {
    const { retrieve } = this.#bench.ports.recipes.of(draft.made)
    const sources = this.#bench.ports.sources.filter(({ name }) => retrieve.weights[name] !== 0)
    this.#sources = sourceReport(sources, draft.user, this.#row, retrieve.countMax)
    const brought = this.#sources.filter(({ brings }) => brings)
    const names = brought.map(({ source, place: at }) => `${source} (place ${at})`).join(', ')
    this.#pass(
      'sources',
      brought.length > 0,
      brought.length > 0 ? `brought by ${names}` : `none of the ${sources.length} sources brought it`,
    )
    if (brought.length === 0) return
    const full = `${draft.set.count} of at most ${draft.set.countMax} candidates`
    this.#pass(
      'candidate-cap',
      place >= 0,
      place >= 0 ? full : `the list was full (${full}) before ${brought[0]!.source} was asked`,
    )
  }

  #scored(draft: ListDraft, place: number): void {
    const rank = rankOf(draft.scores, place)
    this.#pass(
      'score',
      true,
      `rank ${rank} of ${draft.set.count} by the ${draft.rung} rung, score ${round(draft.scores[place]!)}`,
    )
  }

  #blended(draft: ListDraft, place: number): void {
    const share = Math.round(100 * draft.personalShare)
    const detail =
      share === 100
        ? 'own events have all of the say'
        : `rank ${rankOf(draft.scores, place)}: own events have ${share} % of the say`
    this.#pass('blend', true, detail)
  }

  #reranked(draft: ListDraft, place: number): void {
    const options = this.#bench.ports.recipes.of(draft.made).rerank
    const rank = rankOf(draft.scores, place)
    if (rank >= options.poolMax) {
      const last = Float64Array.from(draft.scores).sort().at(-options.poolMax)!
      const detail = `ranked below the pool: rank ${rank} with ${round(draft.scores[place]!)}, where the last of ${options.poolMax} has ${round(last)}`
      this.#pass('rerank', false, detail, 'pool')
      return
    }
    const stages = [...createDraftReranker(this.#bench.ports.catalogue, options)(draft)]
    const places = stages.map((staged) => ({ stage: staged.stage, at: staged.places().indexOf(place) }))
    const moved = `by score alone at place ${rank}, ${places.map(({ stage, at }) => `after ${stage} ${where(at)}`).join(', ')}`
    const isKept = draft.order.includes(place)
    this.#pass('rerank', isKept, isKept ? moved : `moved out: ${moved}; ${options.itemsMax} are kept`, 'places')
    let before = rank
    for (const { stage, at } of places) {
      if (isKept && at !== before) this.#moved.push(`${stage} (${before} to ${at})`)
      before = at
    }
  }

  /** A step that takes candidates out. */
  async #filtered(step: string, draft: ListDraft, place: number, again: (record: unknown) => Promise<unknown>): Promise<void> {
    if (place >= 0) return this.#pass(step, true, 'stays')
    const reason = await this.#reasonOf(draft, again)
    this.#pass(step, false, reason === '' ? `taken out by the step ${step}` : (filterReasons[reason] ?? reason))
  }

  /** A step that changes the order: the exploration slot, or rules. `at`: the item's place now, -1 none. */
  #moves(step: 'explore' | 'promote' | 'rule', draft: ListDraft, at: number): void {
    const isExplored = draft.exploration?.drawn.some(({ slot }) => slot === at) ?? false
    const explored = isExplored ? 'the exploration slot' : 'what the exploration slot took in'
    const promotion = draft.promoted?.get(this.#row)
    const promoted = promotion === undefined ? 'promoted items' : `promotion ${promotion}`
    const by = step === 'explore' ? explored : step === 'promote' ? promoted : ruleEffect(draft, this.#itemId) || 'a rule'
    if (at < 0) this.#pass(step, false, `taken out from place ${this.#at} by ${by}`)
    else if (at === this.#at) this.#pass(step, true, `at place ${at}`)
    else {
      const change = this.#at < 0 ? `brought in at ${at}` : `${this.#at} to ${at}`
      this.#pass(step, true, `at place ${at}: ${by} (${change})`)
      this.#moved.push(`${by} (${change})`)
    }
  }

  /** The reason that a step gives when the item is the only candidate. */
  async #reasonOf(draft: ListDraft, again: (record: unknown) => Promise<unknown>): Promise<string> {
    const set = new CandidateSet(1)
    set.add(0, this.#row, 1, -1)
    const removed = new Map<string, number>()
    await again({ ...draft, set, removed })
    return [...removed.keys()].join(', ')
  }
}

const filterReasons: Readonly<Record<string, string>> = {
  withdrawn: 'filtered: it is withdrawn',
  stock: 'filtered: it is out of stock',
  purchased: 'filtered: the person bought it already',
  dismissed: 'filtered: the person dismissed it',
  cart: 'filtered: it is in the cart',
  current: 'filtered: the person is looking at it now',
}

/** Place from 0 by score, ties to the lower place, as algorithms/top-k.ts ranks. */
function rankOf(scores: Float64Array, place: number): number {
  let rank = 0
  for (let other = 0; other < scores.length; other++)
    if (scores[other]! > scores[place]! || (scores[other] === scores[place] && other < place)) rank++
  return rank
}

function where(place: number): string {
  return place < 0 ? 'out' : `at ${place}`
}

function round(score: number): string {
  return score.toFixed(4)
}

function isDraft(record: unknown): record is ListDraft {
  return typeof record === 'object' && record !== null && 'set' in record
}

function isFinished(record: unknown): record is FinishedList {
  return typeof record === 'object' && record !== null && 'recommendation' in record
}
