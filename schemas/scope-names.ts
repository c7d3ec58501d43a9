import type { UserProfile } from './user-profile.ts'

const dayparts = ['night', 'morning', 'afternoon', 'evening'] as const
const seasons = ['dec-feb', 'mar-may', 'jun-aug', 'sep-nov'] as const
/** Longer declared genders are nobody's group. */
const genderLengthMax = 16
const categoryPrefix = 'scope:category:'

/**
 * The one file that names the scopes in which items are counted. `trend:<name>` holds each scope's list, but for groups: those are memory of
 * each recommender.
 */
export const scopeNames = {
  all: 'scope:all',
  category: (name: string) => `${categoryPrefix}${name}`,
  /** The category that a scope is of; null for scopes of anything else. */
  categoryOf: (scope: string) => (scope.startsWith(categoryPrefix) ? scope.slice(categoryPrefix.length) : null),
  region: (name: string) => `scope:region:${name}`,
  /** Quarters of a day: 0–6 night, 6–12 morning, 12–18 afternoon, 18–24 evening; `hour` 0–24 in the person's zone. */
  daypart: (hour: number) => `scope:daypart:${dayparts[Math.floor(hour / 6) & 3]!}`,
  /** Quarters of the year from December on, by UTC: what comes again with them. */
  season: (timeMs: number) => `scope:season:${seasons[Math.floor(((new Date(timeMs).getUTCMonth() + 1) % 12) / 3)]!}`,
  /**
   * Groups of people of one age band, gender and region, narrowest first (features.md F6.2): the one without the gender comes next. Only what
   * was declared makes a group, and age bands only; none without age and gender, or without consent. Their parents are the region and all.
   */
  groups(profile: UserProfile | null): readonly string[] {
    if (profile === null || !profile.consent) return none
    const age = profile.ageGroup === 'unknown' ? '' : profile.ageGroup
    const gender = profile.gender !== null && profile.gender.length <= genderLengthMax ? profile.gender.toLowerCase() : ''
    const where = profile.region ?? ''
    const names: string[] = []
    if (gender !== '') names.push(`scope:group:${age}|${gender}|${where}`)
    if (age !== '') names.push(`scope:group:${age}||${where}`)
    return names
  },
} as const

const none: readonly string[] = []
