import { exposureShares, type GroupExposure } from '../algorithms/exposure-shares.ts'
import type { ShownLists } from './shown-lists.ts'

/** What a group of items got to be seen. */
export interface ExposureLine extends Pick<GroupExposure, 'exposureShare' | 'ratio' | 'isUneven'> {
  readonly group: string
  /** Its share of the items in stock now. */
  readonly offeredShare: number
}

/** Exposure of groups of items over shown lists beside what they offer, the most seen first. */
export function exposureReport({ lists, itemGroups, groupNames, offered }: ShownLists): ExposureLine[] {
  const none = new Int32Array(0)
  const shown = [{ rows: none, candidates: offered }, ...lists.map(({ rows }) => ({ rows, candidates: none }))]
  return exposureShares(shown, itemGroups, groupNames.length)
    .map(({ group, exposureShare, candidateShare, ratio, isUneven }) => ({
      group: groupNames[group]!,
      exposureShare,
      offeredShare: candidateShare,
      ratio,
      isUneven,
    }))
    .sort((a, b) => b.exposureShare - a.exposureShare)
}
