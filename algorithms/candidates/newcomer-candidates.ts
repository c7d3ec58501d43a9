import { candidateSources } from '../candidate-set.ts'
import type { Catalogue } from '../catalogue.ts'
import { judgeNewItem } from '../judge-new-item.ts'
import type { TextNeighbours } from '../text-neighbours.ts'
import type { TfIdfIndex } from '../tf-idf.ts'
import type { CandidateSource, CandidateUser } from './candidate-source.ts'
import { RowScores } from './row-scores.ts'

/** What new items did in the exploration slot so far. */
export interface NewcomerTrials {
  of(itemId: string): { readonly impressions: number; readonly clicks: number }
  /** Click-through rate of all slots, in (0, 1). */
  readonly meanRate: number
}

/** Days an item is new. */
const ageDaysMax = 14
/** Items that are given an audience at a time; more wait until these are known or old. */
const newcomersMax = 400
/** Items like a new one whose friends are its audience. */
const neighbours = 20
/** Catalogue rows looked through for new items per list: a whole round takes many lists and each costs next to nothing. */
const rowsPerList = 64
/** Lists after which one new item may join: finding its neighbours costs as much as a list's own do. */
const listsPerJoin = 8
const seedsMax = 12
const fade = 0.85
/** New items that a person gets by lot, and their score against the best of those that suit. */
const drawnMax = 2
const drawnScore = 0.125
const dayMs = 86_400_000

interface Newcomer {
  readonly row: number
  /** Impressions and day of the last verdict. */
  impressions: number
  day: number
  explored: boolean
}

/**
 * New items for those who like what reads like them (features.md F6.9), by a text model that knows them or else by TF-IDF, and two by lot for everybody (F6.10): a hash of person and item, so that
 * nobody sees all and no item waits for a taste that cannot be known. An item leaves when its trials in the exploration slot say enough
 * (`judgeNewItem`: budget, worse than the mean, known well), after 14 days, or with 50 signals of its own.
 */
export function newcomerCandidates(
  catalogue: Catalogue,
  content: TfIdfIndex,
  trials: NewcomerTrials,
  texts?: TextNeighbours,
): CandidateSource {
  const column = candidateSources.indexOf('newcomer')
  const newcomers = new Map<number, Newcomer>()
  /** Item → the new ones that are like it, with their likeness. */
  const audiences = new Map<number, Map<number, number>>()
  const sums = new RowScores()
  let cursor = 0
  let lists = 0

  const ageDays = (row: number, nowMs: number) => (nowMs - catalogue.createdMs[row]!) / dayMs
  const isNew = (row: number, nowMs: number) =>
    catalogue.known[row] === 1 && ageDays(row, nowMs) >= 0 && ageDays(row, nowMs) <= ageDaysMax && catalogue.isCold(row)
  const join = (row: number): void => {
    newcomers.set(row, { row, impressions: -1, day: -1, explored: true })
    const { indices, scores } = texts?.has(row)
      ? texts.nearest(row, neighbours, () => true)
      : content.nearest(content.vector(row), neighbours, (other) => other === row)
    indices.forEach((other, at) => {
      const audience = audiences.get(other)
      if (audience) audience.set(row, scores[at]!)
      else audiences.set(other, new Map([[row, scores[at]!]]))
    })
  }
  const leave = (row: number): void => {
    newcomers.delete(row)
    for (const [other, audience] of audiences) if (audience.delete(row) && audience.size === 0) audiences.delete(other)
  }
  const lookOn = (nowMs: number): void => {
    const mayJoin = lists++ % listsPerJoin === 0
    for (let looked = Math.min(rowsPerList, catalogue.size); looked > 0; looked--) {
      const row = cursor
      cursor = (cursor + 1) % catalogue.size
      const known = newcomers.has(row)
      if (known && !isNew(row, nowMs)) leave(row)
      else if (mayJoin && !known && newcomers.size < newcomersMax && isNew(row, nowMs)) {
        join(row)
        return
      }
    }
  }
  const isExplored = (newcomer: Newcomer, nowMs: number): boolean => {
    if (!catalogue.available(newcomer.row)) return false
    const trial = trials.of(catalogue.items.text(newcomer.row))
    const day = Math.floor(nowMs / dayMs)
    if (trial.impressions !== newcomer.impressions || day !== newcomer.day) {
      newcomer.impressions = trial.impressions
      newcomer.day = day
      const evidence = { ...trial, ageDays: ageDays(newcomer.row, nowMs) }
      newcomer.explored = judgeNewItem(evidence, trials.meanRate, { ageDaysMax }).verdict === 'explore'
    }
    return newcomer.explored
  }

  return {
    name: 'newcomer',
    retrieve(user, set, countMax) {
      lookOn(user.nowMs)
      let share = 1
      const seeds = Math.min(seedsMax, user.recentRows.length)
      for (let i = 0; i < seeds; i++, share *= fade) {
        const seed = user.recentRows[i]!
        for (const [row, likeness] of audiences.get(seed) ?? [])
          if (isExplored(newcomers.get(row)!, user.nowMs)) sums.add(row, share * user.recentStrengths[i]! * likeness, seed)
      }
      const { rows, scores, because, count } = sums.take(countMax)
      set.addRanked(column, rows, scores, count, because)
      for (const row of drawn(newcomers, user, isExplored)) set.add(column, row, drawnScore, -1)
    },
  }
}

/** The explored new items with the smallest hash of person and item: the same ones for a person as long as they are new. */
function drawn(
  newcomers: ReadonlyMap<number, Newcomer>,
  user: CandidateUser,
  isExplored: (newcomer: Newcomer, nowMs: number) => boolean,
): number[] {
  const best: { hash: number; row: number }[] = []
  for (const newcomer of newcomers.values()) {
    const hash = mixed(user.personKey, newcomer.row)
    if ((best.length === drawnMax && hash >= best[drawnMax - 1]!.hash) || !isExplored(newcomer, user.nowMs)) continue
    best.push({ hash, row: newcomer.row })
    best.sort((a, b) => a.hash - b.hash)
    best.length = Math.min(best.length, drawnMax)
  }
  return best.map(({ row }) => row)
}

/** 32 bits of person and item, spread evenly (the finaliser of MurmurHash3). */
function mixed(person: number, row: number): number {
  let hash = person ^ Math.imul(row + 1, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
