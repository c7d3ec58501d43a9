import { addPerson, type ClickThrough, clickThroughRate, emptyClickThrough } from '../algorithms/click-through.ts'
import { demographicParity } from '../algorithms/demographic-parity.ts'
import { exposureOf } from '../algorithms/exposure-shares.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import type { OpenPorts } from './compose.ts'
import { readRewards } from './read-rewards.ts'
import type { ShownList, ShownLists } from './shown-lists.ts'

/** What makes people one group in a report. */
export const userGroupFields = ['ageGroup', 'region', 'device'] as const
export type UserGroupField = (typeof userGroupFields)[number]

/** A share with its 95 % interval over people; the interval is null below two of them. */
export interface ShareEstimate {
  readonly group: string
  readonly share: number
  readonly lower: number | null
  readonly upper: number | null
}

/** How one group of people is served. */
export interface UserGroupLine {
  readonly group: string
  readonly people: number
  readonly lists: number
  /** Clicks over shown slots; null while no showing of theirs has been joined with what followed. */
  readonly clickThrough: Omit<ShareEstimate, 'group'> | null
}

/** What each group of people sees of one group of items. */
export interface ItemGroupLine {
  readonly group: string
  /** Largest minus smallest share over groups of people; 0 = parity. */
  readonly difference: number
  /** Smallest over largest share: the four-fifths rule asks for .8; null where nobody sees it. */
  readonly ratio: number | null
  /** Share of that people's exposure, by group of people. */
  readonly shares: readonly ShareEstimate[]
}

export interface ParityTable {
  readonly lists: number
  readonly people: readonly UserGroupLine[]
  readonly items: readonly ItemGroupLine[]
}

const readsAtOnce = 100

/**
 * Demographic parity of shown lists: do groups of people see other items, or worse ones? People are the independent units of every
 * interval (delta method of a ratio of sums). Groups follow from what is known of a person now.
 */
export async function parityReport(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  shown: ShownLists,
  by: UserGroupField,
  featuresOf: (userId: string) => Promise<UserFeatures | null>,
): Promise<ParityTable> {
  const groupByUser = await userGroups([...new Set(shown.lists.map(({ userId }) => userId))], by, featuresOf)
  const groups = [...new Set(groupByUser.values())].sort()
  const groupOf = ({ userId }: { readonly userId: string }) => groups.indexOf(groupByUser.get(userId)!)
  const lists = shown.lists.map((list) => ({ ...list, userGroup: groupOf(list) }))
  const counts = { userGroupCount: groups.length, itemGroupCount: shown.groupNames.length }
  const { lists: listCounts, differences, ratios } = demographicParity(lists, shown.itemGroups, counts)
  const clicks = await clicksOf(ports, shown.lists)
  const people = groups.map((group, number): UserGroupLine => {
    const own = [...clicks].filter(([userId]) => groupByUser.get(userId) === group).map(([, counted]) => counted)
    const sums = summed(own)
    const count = [...groupByUser.values()].filter((other) => other === group).length
    return { group, people: count, lists: listCounts[number]!, clickThrough: sums.impressions > 0 ? estimateOf(sums) : null }
  })
  const exposures = groups.map((_, number) =>
    exposureByPerson(
      lists.filter(({ userGroup }) => userGroup === number),
      shown,
    ),
  )
  const items = shown.groupNames.map((group, itemGroup): ItemGroupLine => {
    const shares = groups.map((name, number) => {
      const people = [...exposures[number]!.values()]
      return { group: name, ...estimateOf(summed(people.map(({ all, byGroup }) => [byGroup.get(itemGroup) ?? 0, all] as const))) }
    })
    return { group, difference: differences[itemGroup]!, ratio: ratios[itemGroup]!, shares }
  })
  return { lists: lists.length, people, items: items.sort((a, b) => b.difference - a.difference) }
}

async function userGroups(
  userIds: readonly string[],
  by: UserGroupField,
  featuresOf: (userId: string) => Promise<UserFeatures | null>,
): Promise<Map<string, string>> {
  const groups = new Map<string, string>()
  for (let at = 0; at < userIds.length; at += readsAtOnce)
    await Promise.all(
      userIds.slice(at, at + readsAtOnce).map(async (userId) => {
        groups.set(userId, groupOfPerson(await featuresOf(userId), by))
      }),
    )
  return groups
}

function groupOfPerson(features: UserFeatures | null, by: UserGroupField): string {
  if (by === 'device') return features?.device ?? 'unknown'
  const declared = by === 'region' ? (features?.profile?.region ?? features?.region) : features?.profile?.ageGroup
  return declared ?? 'unknown'
}

/** Clicks and shown slots by person, of the lists that were joined with what followed. */
async function clicksOf(
  ports: Pick<OpenPorts, 'log' | 'wire'>,
  lists: readonly ShownList[],
): Promise<Map<string, [clicks: number, slots: number]>> {
  const asked = new Set(lists.map(({ decisionId }) => decisionId))
  const clicks = new Map<string, [number, number]>()
  for await (const { decisionId, revision, userId, slots } of readRewards(ports)) {
    if (!asked.has(decisionId)) continue
    const counted = clicks.get(userId) ?? [0, 0]
    clicks.set(userId, counted)
    counted[0] += slots.filter(({ clicked }) => clicked).length - slots.filter(({ before }) => before?.clicked).length
    if (revision === 0) counted[1] += slots.length
  }
  return clicks
}

interface PersonExposure {
  all: number
  readonly byGroup: Map<number, number>
}

function exposureByPerson(lists: readonly ShownList[], { itemGroups }: ShownLists): Map<string, PersonExposure> {
  const people = new Map<string, PersonExposure>()
  for (const { userId, rows } of lists) {
    const own = people.get(userId) ?? { all: 0, byGroup: new Map<number, number>() }
    people.set(userId, own)
    rows.forEach((row, place) => {
      const group = itemGroups[row]!
      own.all += exposureOf(place)
      own.byGroup.set(group, (own.byGroup.get(group) ?? 0) + exposureOf(place))
    })
  }
  return people
}

function summed(people: readonly (readonly [part: number, whole: number])[]): ClickThrough {
  const sums = emptyClickThrough()
  for (const [part, whole] of people) addPerson(sums, part, whole)
  return sums
}

function estimateOf(sums: ClickThrough): Omit<ShareEstimate, 'group'> {
  const interval = clickThroughRate(sums)
  const share = sums.impressions > 0 ? sums.clicks / sums.impressions : 0
  return { share, lower: interval?.lower ?? null, upper: interval?.upper ?? null }
}
