import type { ListDraft } from './list-draft.ts'

/** What people and lists may be told apart by, so that each part learns for itself. */
export const explorationSegments = ['none', 'region', 'device', 'category', 'model'] as const

export type ExplorationSegment = (typeof explorationSegments)[number]

/** Letters of a segment's name that count. */
const lengthMax = 40

/**
 * The segment of a list: region and device as last heard of, the category of the session or else the person's dearest, or the version of
 * the model that ranked it. '' where it is not known, and for `none`.
 */
export function segmentOf({ update, modelVersion }: ListDraft, by: ExplorationSegment): string {
  const { features } = update
  switch (by) {
    case 'none':
      return ''
    case 'region':
      return (features.profile?.region ?? features.region ?? '').slice(0, lengthMax)
    case 'device':
      return features.device
    case 'category':
      return (features.session.mainCategory ?? features.categories[0]?.name ?? '').slice(0, lengthMax)
    case 'model':
      return modelVersion.slice(0, lengthMax)
  }
}
