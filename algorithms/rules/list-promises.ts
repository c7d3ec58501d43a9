import { likenessWeights } from '../likeness.ts'
import type { ListPromise } from './arrange.ts'
import type { Quota } from './fill-quotas.ts'
import type { RuleSubject } from './rule-spec.ts'

/** What every list promises of its first places, whatever rules are set (features.md F17.9, F8.7). */
export interface ListLimits {
  /** Places that the promises are about: what a page shows first. */
  readonly first: number
  /** Items of one brand at most; `first` = any number. */
  readonly brandMax: number
  /** Least margin of an item, in money; 0 = any. */
  readonly marginMin: number
  /** Least mean of 1 − likeness over all pairs, 0–1; 0 = any. */
  readonly diversityMin: number
  /** Largest share of one first-level category, 0–1; 1 = any. */
  readonly categoryShareMax: number
  /** Least share from outside the categories that the person touched most, 0–1; 0 = none. */
  readonly outsideShareMin: number
}

/** The promises of `ListLimits` by name, the most important first: the last one yields first. */
export const listPromiseIds = ['list:brand', 'list:margin', 'list:diversity', 'list:category', 'list:outside'] as const

/**
 * The promises of a list of these candidates, in their order of importance, for `arrange`.
 *
 * @param size places of the list. @param taste the categories that the person touched most; empty = nothing lies outside.
 */
export function listPromises(
  limits: ListLimits,
  subjects: readonly RuleSubject[],
  size: number,
  taste: readonly string[],
): ListPromise[] {
  const first = Math.min(limits.first, size)
  const brands = groupsOf(subjects, ({ brand }) => brand ?? undefined)
  const tops = groupsOf(subjects, ({ category }) => category[0])
  const leaves = groupsOf(subjects, ({ category }) => category.at(-1))
  const atMost = (max: number, members: Uint8Array): Quota => ({ first, min: 0, max, members })
  const cheap = () => membersOf(subjects.length, (n) => subjects[n]!.margin < limits.marginMin)
  const outside = () => membersOf(subjects.length, (n) => isOutside(subjects[n]!, taste))
  const outsideMin = taste.length === 0 ? 0 : outsideCount(limits, first)
  const columns = [
    { groups: tops.groups, weight: likenessWeights.topCategory },
    { groups: leaves.groups, weight: likenessWeights.leafCategory },
    { groups: brands.groups, weight: likenessWeights.brand },
  ]
  const promises: ListPromise[] = [
    { id: 'list:brand', quotas: cappedGroups(brands, limits.brandMax, first).map((one) => atMost(limits.brandMax, one)) },
    { id: 'list:margin', quotas: limits.marginMin > 0 ? [atMost(0, cheap())] : [] },
    { id: 'list:diversity', quotas: [], spread: { first, sumMax: likenessMax(limits, first), columns } },
    {
      id: 'list:category',
      quotas: cappedGroups(tops, categoryCount(limits, first), first).map((one) => atMost(categoryCount(limits, first), one)),
    },
    { id: 'list:outside', quotas: outsideMin > 0 ? [{ first, min: outsideMin, max: first, members: outside() }] : [] },
  ]
  return promises.filter(({ quotas, spread }) => quotas.length > 0 || (spread !== undefined && limits.diversityMin > 0))
}

/** Whether an item is of none of the person's categories, at any level of its path. */
export function isOutside({ category }: RuleSubject, taste: readonly string[]): boolean {
  return !category.some((name) => taste.includes(name))
}

/** Items of one first-level category at most among so many places. */
export function categoryCount({ categoryShareMax }: ListLimits, places: number): number {
  return Math.floor(categoryShareMax * places + 1e-9)
}

/** Items from outside the person's categories at least among so many places: whole ones that the share comes to. */
export function outsideCount({ outsideShareMin }: ListLimits, places: number): number {
  return Math.floor(outsideShareMin * places + 1e-9)
}

/** Likeness over all pairs of so many places at most. */
function likenessMax({ diversityMin }: ListLimits, places: number): number {
  return ((1 - diversityMin) * places * (places - 1)) / 2
}

interface Groups {
  readonly groups: Int32Array
  readonly counts: readonly number[]
}

function groupsOf(subjects: readonly RuleSubject[], nameOf: (subject: RuleSubject) => string | undefined): Groups {
  const numbers = new Map<string, number>()
  const counts: number[] = []
  const groups = new Int32Array(subjects.length).fill(-1)
  subjects.forEach((subject, n) => {
    const name = nameOf(subject)
    if (name === undefined) return
    const group = numbers.get(name) ?? counts.push(0) - 1
    numbers.set(name, group)
    counts[group]!++
    groups[n] = group
  })
  return { groups, counts }
}

/** Members of each group that could have more than `max` of the places. */
function cappedGroups({ groups, counts }: Groups, max: number, places: number): Uint8Array[] {
  if (max >= places) return []
  return [...counts.keys()]
    .filter((group) => counts[group]! > max)
    .map((group) => membersOf(groups.length, (n) => groups[n] === group))
}

function membersOf(count: number, isMember: (n: number) => boolean): Uint8Array {
  const members = new Uint8Array(count)
  for (let n = 0; n < count; n++) if (isMember(n)) members[n] = 1
  return members
}
