import { CandidateSet, candidateSources, sourceCount } from '../algorithms/candidate-set.ts'
import type { CandidateSource, CandidateUser } from '../algorithms/candidates/candidate-source.ts'

/** What one candidate source says of one item for one person. */
export interface SourceReport {
  readonly source: string
  /** Whether it is among those the source brings. */
  readonly brings: boolean
  /** Its score there, the best of the source being 1; null if the source does not know it. */
  readonly score: number | null
  /** Its place from 0; null if the source does not know it among its first 2,000. */
  readonly place: number | null
  /** How many it brings for this person. */
  readonly brought: number
  /** Why it does not bring it; '' if it does. */
  readonly why: string
}

/** How far behind what a source brings an item is looked for. */
const widely = 2000

/** Asks every source by itself about one item. `countMax` is what each may bring. */
export function sourceReport(
  sources: readonly CandidateSource[],
  user: CandidateUser,
  row: number,
  countMax: number,
): readonly SourceReport[] {
  return sources.map((source) => {
    const narrow = ask(source, user, row, countMax)
    const found = narrow.place === null ? ask(source, user, row, widely) : narrow
    const why =
      narrow.place !== null
        ? ''
        : found.place !== null
          ? `its place ${found.place} is behind the ${narrow.brought} that it brings`
          : absence(source, user, narrow.brought)
    return {
      source: source.name,
      brings: narrow.place !== null,
      score: found.score,
      place: found.place,
      brought: narrow.brought,
      why,
    }
  })
}

function ask(
  source: CandidateSource,
  user: CandidateUser,
  row: number,
  countMax: number,
): { score: number | null; place: number | null; brought: number } {
  const set = new CandidateSet(countMax)
  source.retrieve(user, set, countMax)
  const column = candidateSources.indexOf(source.name)
  const own = set.rows.subarray(0, set.count).indexOf(row)
  if (own < 0) return { score: null, place: null, brought: set.count }
  const score = set.scores[own * sourceCount + column]!
  let place = 0
  for (let other = 0; other < set.count; other++) if (set.scores[other * sourceCount + column]! > score) place++
  return { score, place, brought: set.count }
}

/** Why a source that does not know an item could not. */
function absence(source: CandidateSource, user: CandidateUser, brought: number): string {
  const touched = `the ${user.recentRows.length} items touched lately`
  switch (source.name) {
    case 'session':
      return user.sessionRows.length === 0 ? 'no running session' : 'nobody in a similar session went on to it'
    case 'similar':
      return user.recentRows.length === 0 ? 'nothing was touched yet' : `seldom seen with ${touched}`
    case 'content':
      return user.recentRows.length === 0 ? 'nothing was touched yet' : `does not read like the newest of ${touched}`
    case 'together':
      return user.basketRows.length === 0
        ? 'nothing in the cart and nothing bought'
        : 'seldom bought with what is in the cart or was bought'
    case 'category':
      return user.categories.length === 0
        ? 'no category is known of the person'
        : `not popular in ${user.categories.slice(0, 4).join(', ')}`
    case 'trend':
      return 'not rising now'
    case 'popular':
      return 'not among the popular items'
    case 'two_tower':
      return user.vector ? 'far from the taste of the person' : 'no two-tower model answered'
    case 'user_knn':
      return user.recentRows.length === 0 ? 'nothing was touched yet' : 'nobody with similar items touched it'
    case 'sequence':
      return user.next ? 'the sequence model expects others next' : 'no sequence model answered'
    case 'group':
      return user.groups.length === 0 ? 'no age or gender is declared' : 'not popular among people of the same group'
    case 'season':
      return 'not popular at this time of day and year'
    case 'association':
    case 'sequential':
      return user.recentRows.length === 0 ? 'nothing was touched yet' : 'seldom in one session with the newest item'
    case 'newcomer':
      return 'not new, tried often enough, or meant for others'
    case 'fresh':
      return 'not new enough, or newer ones came first'
    default:
      return brought === 0 ? 'it brings nothing for this person' : 'it does not know the item'
  }
}
