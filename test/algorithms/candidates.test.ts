import { describe, expect, it } from 'vitest'
import { CandidateSet, candidateSources, sourceCount } from '../../algorithms/candidate-set.ts'
import { associationCandidates } from '../../algorithms/candidates/association-candidates.ts'
import type { CandidateSource, CandidateUser } from '../../algorithms/candidates/candidate-source.ts'
import { contentCandidates } from '../../algorithms/candidates/content-candidates.ts'
import { groupCandidates } from '../../algorithms/candidates/group-candidates.ts'
import { newcomerCandidates } from '../../algorithms/candidates/newcomer-candidates.ts'
import { seasonCandidates } from '../../algorithms/candidates/season-candidates.ts'
import { sequentialCandidates } from '../../algorithms/candidates/sequential-candidates.ts'
import { togetherCandidates } from '../../algorithms/candidates/together-candidates.ts'
import type { TrendList } from '../../algorithms/candidates/trend-lists.ts'
import { userKnnCandidates } from '../../algorithms/candidates/user-knn-candidates.ts'
import type { Catalogue } from '../../algorithms/catalogue.ts'
import { SessionIndex } from '../../algorithms/session-index.ts'
import { SessionRules } from '../../algorithms/session-rules.ts'
import { TextNeighbours } from '../../algorithms/text-neighbours.ts'
import { TfIdfIndex } from '../../algorithms/tf-idf.ts'
import { scopeNames } from '../../schemas/scope-names.ts'
import { catalogueOf } from '../operators/list-draft-fixture.ts'

/** Somebody nobody knows, but for what is given. */
function person(fields: Partial<CandidateUser>): CandidateUser {
  const none = new Int32Array(0)
  return {
    nowMs: 0,
    personKey: 0,
    recentRows: none,
    recentStrengths: new Float32Array(0),
    sessionRows: none,
    basketRows: none,
    categories: [],
    region: null,
    groups: [],
    moments: [],
    vector: null,
    next: null,
    ...fields,
  }
}

/** What a source brings: its scores and what they follow from, by item. */
function brought(source: CandidateSource, catalogue: Catalogue, user: CandidateUser, countMax = 10) {
  const set = new CandidateSet(countMax)
  source.retrieve(user, set, countMax)
  const column = candidateSources.indexOf(source.name)
  return Object.fromEntries(
    Array.from(set.rows.subarray(0, set.count), (row, place) => {
      const because = set.because[place * sourceCount + column]!
      return [
        catalogue.items.text(row),
        [set.scores[place * sourceCount + column]!, because < 0 ? '' : catalogue.items.text(because)],
      ]
    }),
  )
}

describe('together', () => {
  it('brings what follows the cart more often than by chance, no substitutes, nothing seen below five times', () => {
    const catalogue = catalogueOf({
      phone: { category: ['phones'] },
      phone2: { category: ['phones'] },
      case: { category: ['cases'] },
      milk: { category: ['food'] },
      rare: { category: ['cases'] },
    })
    const row = (itemId: string) => catalogue.items.find(itemId)
    const bought = { phone: 20, phone2: 10, case: 10, milk: 58, rare: 2 }
    for (const [itemId, count] of Object.entries(bought)) catalogue.purchases.set(row(itemId), count, 0)
    catalogue.followed[row('phone')] = 40
    const nothing = { rows: new Int32Array(0), weights: new Float32Array(0) }
    const follows = { rows: Int32Array.from(['case', 'milk', 'phone2', 'rare'], row), weights: Float32Array.of(12, 12, 12, 4) }
    catalogue.relate(row('phone'), nothing, follows)
    // Chance makes 40 · 10 % = 4 cases and 40 · 58 % = 23.2 milk of the 40 that followed.
    const user = person({ basketRows: Int32Array.of(row('phone')) })
    expect(brought(togetherCandidates(catalogue), catalogue, user)).toEqual({ case: [1, 'phone'] })
    catalogue.purchases.set(row('milk'), 2, 0)
    // Milk is as rare as others now: 44 purchases, of which 2 are milk and 10 cases; both lifts count.
    const lifts = { milk: 17 / ((40 * 2) / 44 + 5), case: 17 / ((40 * 10) / 44 + 5) }
    const found = brought(togetherCandidates(catalogue), catalogue, user)
    expect(Object.keys(found)).toEqual(['milk', 'case'])
    expect(found['case']![0]).toBeCloseTo(lifts.case / lifts.milk, 6)
  })

  it('brings nothing while the cart is empty', () => {
    expect(brought(togetherCandidates(catalogueOf({ a: {} })), catalogueOf({ a: {} }), person({}))).toEqual({})
  })
})

describe('user_knn', () => {
  const itemsOf: Record<number, readonly string[]> = {
    1: ['a', 'b', 'c'],
    2: ['a', 'c', 'd', 'e'],
    3: ['f', 'g'],
    7: ['a', 'b', 'g'],
  }
  function history(): { catalogue: Catalogue; people: SessionIndex } {
    const catalogue = catalogueOf({ a: {}, b: {}, c: {}, d: {}, e: {}, f: {}, g: {} })
    const people = new SessionIndex({ sessionsMax: 10, itemsMax: 10, itemsPerSessionMax: 4, forgetOldest: true })
    for (const [key, items] of Object.entries(itemsOf))
      for (const [at, item] of items.entries()) people.add(Number(key), catalogue.items.find(item), 100 + at)
    return { catalogue, people }
  }
  const rows = (catalogue: Catalogue, items: readonly string[]) => Int32Array.from(items, (item) => catalogue.items.find(item))

  it('brings what the nearest people touched, by cosine, not what the person did, and never asks the person', () => {
    const { catalogue, people } = history()
    const user = person({ personKey: 7, recentRows: rows(catalogue, ['b', 'a']), recentStrengths: Float32Array.of(1, 0.3) })
    // {a, b} and {a, b, c}: 2 / √6; and {a, c, d, e}: 1 / √8.
    const [one, two] = [2 / Math.sqrt(6), 1 / Math.sqrt(8)]
    expect(brought(userKnnCandidates(people), catalogue, user)).toEqual({
      c: [1, ''],
      d: [expect.closeTo(two / (one + two), 6), ''],
      e: [expect.closeTo(two / (one + two), 6), ''],
    })
  })

  it('does not count what was dismissed, and follows each event: a full history forgets what came first', () => {
    const { catalogue, people } = history()
    const user = person({ personKey: 9, recentRows: rows(catalogue, ['a', 'f']), recentStrengths: Float32Array.of(0, 1) })
    expect(brought(userKnnCandidates(people), catalogue, user)).toEqual({ g: [1, ''] })
    people.add(2, catalogue.items.find('f'), 200)
    // Person 2 is {f, c, d, e} now: a went.
    expect(Object.keys(brought(userKnnCandidates(people), catalogue, user)).sort()).toEqual(['c', 'd', 'e', 'g'])
    expect(people.documentFrequency(catalogue.items.find('a'))).toBe(2)
  })
})

/** A scope's list: items, most popular first, touched by so many people. */
function listOf(catalogue: Catalogue, people: number, ...items: readonly string[]): TrendList {
  return {
    people,
    popularRows: Int32Array.from(items, (item) => catalogue.items.find(item)),
    popularScores: Float64Array.from(items, (_item, at) => 8 / 2 ** at),
    trendRows: new Int32Array(0),
    trendScores: new Float64Array(0),
  }
}

describe('association and sequential', () => {
  // u: a b c a; v: b b a; w: a d.
  const steps = [
    [1, 'a'],
    [2, 'b'],
    [1, 'b'],
    [2, 'b'],
    [1, 'c'],
    [2, 'a'],
    [3, 'a'],
    [1, 'a'],
    [3, 'd'],
  ] as const
  const learned = (options: { association?: boolean; sequential?: boolean; itemsMax?: number; sessionsMax?: number } = {}) => {
    const catalogue = catalogueOf({ a: {}, b: {}, c: {}, d: {} })
    const rules = new SessionRules({ association: true, sequential: true, itemsMax: 10, ...options })
    for (const [session, item] of steps) rules.learn(session, catalogue.items.find(item))
    return { catalogue, rules, rows: (...items: string[]) => Int32Array.from(items, (item) => catalogue.items.find(item)) }
  }

  it('bring what was touched with the newest item, and what was touched after it', () => {
    const { catalogue, rules, rows } = learned()
    const user = person({ sessionRows: rows('d', 'a') })
    // With a: b thrice (ab, ba in u; ba in v), c twice, d once.
    expect(brought(associationCandidates(rules.association!), catalogue, user)).toEqual({
      b: [expect.closeTo(1, 6), 'a'],
      c: [expect.closeTo(2 / 3, 6), 'a'],
      d: [expect.closeTo(1 / 3, 6), 'a'],
    })
    // After a: b and d at one step, c at two: 1/4.
    expect(brought(sequentialCandidates(rules.sequential!), catalogue, user)).toEqual({
      b: [1, 'a'],
      d: [1, 'a'],
      c: [0.25, 'a'],
    })
    // Without a session, of the item touched last.
    const before = person({ recentRows: rows('c', 'b') })
    expect(Object.keys(brought(sequentialCandidates(rules.sequential!), catalogue, before))).toEqual(['a'])
    expect(brought(sequentialCandidates(rules.sequential!), catalogue, person({}))).toEqual({})
  })

  it('learn what is asked for only, of items there is room for, and forget the session that was quiet longest', () => {
    expect(learned({ association: false }).rules.association).toBeNull()
    expect(learned({ sequential: false }).rules.sequential).toBeNull()
    const narrow = learned({ itemsMax: 3 })
    const user = (rows: Int32Array) => person({ sessionRows: rows })
    expect(brought(associationCandidates(narrow.rules.association!), narrow.catalogue, user(narrow.rows('a')))).toMatchObject({
      b: [1, 'a'],
    })
    const forgetful = learned({ sessionsMax: 2 })
    // Session 1 went when 3 came, and began anew with its last a: w's a and d met, u's c and a never did again.
    expect(forgetful.rules.sequential!.weight(2, 0)).toBe(0)
    expect(learned().rules.sequential!.weight(2, 0)).toBe(1)
  })
})

describe('group and season', () => {
  const catalogue = catalogueOf({ a: {}, b: {}, c: {}, d: {} })
  const groups = ['scope:group:age_25_34|f|DE', 'scope:group:age_25_34||DE']

  it('the parent answers for a group of fewer than 50 people, and the region for both, and nobody asks for people who declared nothing', () => {
    const trends = new Map([
      [groups[0]!, listOf(catalogue, 49, 'a')],
      [groups[1]!, listOf(catalogue, 50, 'b', 'c')],
      ['scope:region:DE', listOf(catalogue, 80, 'c')],
      ['scope:all', listOf(catalogue, 3, 'd')],
    ])
    const source = groupCandidates(trends)
    expect(brought(source, catalogue, person({ groups, region: 'DE' }))).toEqual({ b: [1, ''], c: [0.5, ''] })
    trends.set(groups[0]!, listOf(catalogue, 50, 'a'))
    expect(brought(source, catalogue, person({ groups, region: 'DE' }))).toEqual({ a: [1, ''] })
    trends.delete(groups[0]!)
    trends.delete(groups[1]!)
    expect(brought(source, catalogue, person({ groups, region: 'DE' }))).toEqual({ c: [1, ''] })
    expect(brought(source, catalogue, person({ groups, region: 'FR' }))).toEqual({ d: [1, ''] })
    expect(brought(source, catalogue, person({ groups: [], region: 'DE' }))).toEqual({})
  })

  it('season brings what is popular at the hour and in the season, half of each', () => {
    const trends = new Map([
      ['scope:daypart:evening', listOf(catalogue, 9, 'a', 'b')],
      ['scope:season:jun-aug', listOf(catalogue, 9, 'b', 'c', 'd')],
    ])
    const moments = ['scope:daypart:evening', 'scope:season:jun-aug']
    expect(brought(seasonCandidates(trends), catalogue, person({ moments }), 3)).toEqual({ a: [1, ''], b: [1, ''], c: [0.5, ''] })
  })
})

it('scope names: groups by age band, gender and region as declared; parts of the day and of the year', () => {
  const declared = {
    userId: 'u',
    ageGroup: 'age_25_34',
    gender: 'F',
    region: 'DE',
    preferredCategories: [],
    updatedMs: 1,
  } as const
  const groupsOf = (fields: object) => scopeNames.groups({ ...declared, consent: true, ...fields })
  expect(groupsOf({})).toEqual(['scope:group:age_25_34|f|DE', 'scope:group:age_25_34||DE'])
  expect(groupsOf({ region: null })).toEqual(['scope:group:age_25_34|f|', 'scope:group:age_25_34||'])
  expect(groupsOf({ ageGroup: 'unknown' })).toEqual(['scope:group:|f|DE'])
  expect(groupsOf({ gender: null })).toEqual(['scope:group:age_25_34||DE'])
  for (const nobody of [{ consent: false }, { ageGroup: 'unknown', gender: null }]) expect(groupsOf(nobody)).toEqual([])
  expect(scopeNames.groups(null)).toEqual([])
  expect([0, 5.9, 6, 12, 18, 23.9].map((hour) => scopeNames.daypart(hour).slice(14))).toEqual([
    'night',
    'night',
    'morning',
    'afternoon',
    'evening',
    'evening',
  ])
  const seasonOf = (month: number) => scopeNames.season(Date.UTC(2026, month - 1, 15)).slice(13)
  expect([12, 1, 2, 3, 6, 9, 11].map(seasonOf)).toEqual([
    'dec-feb',
    'dec-feb',
    'dec-feb',
    'mar-may',
    'jun-aug',
    'sep-nov',
    'sep-nov',
  ])
})

describe('content and newcomer by a text model', () => {
  // The words of boots are in none of the others, but the model knows that they go with tents.
  const words = { tent: 'tent green', pan: 'pan green', boots: 'walking shoes', kettle: 'steel kettle' }
  function shop(isCold: readonly string[]) {
    const catalogue = catalogueOf(Object.fromEntries(Object.keys(words).map((itemId) => [itemId, { createdMs: 1 }])))
    const content = new TfIdfIndex({ termsMax: 100 })
    const texts = new TextNeighbours()
    const row = (itemId: string) => catalogue.items.find(itemId)
    for (const [itemId, text] of Object.entries(words)) {
      content.add(row(itemId), text.split(' '))
      catalogue.signals[row(itemId)] = isCold.includes(itemId) ? 49 : 50
    }
    texts.set(row('tent'), Float32Array.of(1, 0, 0, 0))
    texts.set(row('boots'), Float32Array.of(0.8, 0.6, 0, 0))
    texts.set(row('pan'), Float32Array.of(0.6, -0.8, 0, 0))
    const liked = { recentRows: Int32Array.of(row('tent')), recentStrengths: Float32Array.of(1), nowMs: 2 }
    return { catalogue, content, texts, row, user: person(liked) }
  }

  it('content finds cold items by what the model reads, all others by their words', () => {
    const { catalogue, content, texts, user } = shop(['boots'])
    const cosine = content.similarity(catalogue.items.find('tent'), catalogue.items.find('pan'))
    expect(brought(contentCandidates(content, { texts, catalogue }), catalogue, user)).toEqual({
      boots: [1, 'tent'],
      pan: [expect.closeTo(cosine / 0.8, 5), 'tent'],
    })
    const warm = shop([])
    expect(brought(contentCandidates(warm.content, warm), warm.catalogue, warm.user)).toEqual({ pan: [1, 'tent'] })
    // Who was not read has its words.
    const unread = shop(['boots', 'kettle', 'pan'])
    unread.texts.clear()
    expect(brought(contentCandidates(unread.content, unread), unread.catalogue, unread.user)).toEqual({ pan: [1, 'tent'] })
  })

  it('newcomer brings a new item to those who like what the model says goes with it', () => {
    const { catalogue, content, texts, user } = shop(['boots'])
    const source = newcomerCandidates(catalogue, content, { of: () => ({ impressions: 0, clicks: 0 }), meanRate: 0.05 }, texts)
    for (let list = 0; list < 8; list++) brought(source, catalogue, user)
    expect(brought(source, catalogue, user)).toMatchObject({ boots: [1, 'tent'] })
  })
})

describe('newcomer', () => {
  const day = 86_400_000
  const nowMs = 100 * day
  /** A shop of known items and new ones, that read as their texts say. */
  function shop(texts: Readonly<Record<string, string>>) {
    const isNew = (itemId: string) => itemId.startsWith('new')
    const catalogue = catalogueOf(
      Object.fromEntries(Object.keys(texts).map((itemId) => [itemId, { createdMs: isNew(itemId) ? nowMs - day : day }])),
    )
    const content = new TfIdfIndex({ termsMax: 100 })
    for (const [itemId, text] of Object.entries(texts)) content.add(catalogue.items.find(itemId), text.split(' '))
    const trials = new Map<string, { impressions: number; clicks: number }>()
    const source = newcomerCandidates(catalogue, content, {
      of: (itemId) => trials.get(itemId) ?? { impressions: 0, clicks: 0 },
      meanRate: 0.05,
    })
    const of = (key: number, liked: readonly string[] = []) =>
      person({
        nowMs,
        personKey: key,
        recentRows: Int32Array.from(liked, (itemId) => catalogue.items.find(itemId)),
        recentStrengths: new Float32Array(liked.length).fill(1),
      })
    return { catalogue, trials, source, of }
  }

  it('brings a new item to those who like what reads like it, and one item joins per eight lists', () => {
    const { catalogue, source, of } = shop({ tent: 'tent green', pan: 'pan steel', new1: 'tent blue', new2: 'pan blue' })
    for (let list = 0; list < 8; list++) expect(Object.keys(brought(source, catalogue, of(1, ['tent'])))).toEqual(['new1'])
    expect(brought(source, catalogue, of(1, ['tent']))).toEqual({ new1: [1, 'tent'], new2: [0.125, ''] })
    expect(brought(source, catalogue, of(1, ['pan']))).toEqual({ new2: [1, 'pan'], new1: [0.125, ''] })
  })

  it('gives everybody two by lot, the same ones each time, and every item to somebody', () => {
    const { catalogue, source, of } = shop(Object.fromEntries(Array.from({ length: 10 }, (_, at) => [`new${at}`, `word${at}`])))
    for (let list = 0; list < 80; list++) brought(source, catalogue, of(0))
    const times = new Map<string, number>()
    for (let key = 0; key < 1_000; key++) {
      const items = Object.keys(brought(source, catalogue, of(key)))
      expect(items).toHaveLength(2)
      expect(Object.keys(brought(source, catalogue, of(key)))).toEqual(items)
      for (const itemId of items) times.set(itemId, (times.get(itemId) ?? 0) + 1)
    }
    // 200 each by chance, deviation 12.6: five of them either way.
    expect(times.size).toBe(10)
    for (const count of times.values()) expect(Math.abs(count - 200)).toBeLessThan(65)
  })

  it('stops at what its trials say, at 50 signals of its own, after 14 days, and when it is sold out', () => {
    const { catalogue, trials, source, of } = shop({ new1: 'one', new2: 'two' })
    const both = () => Object.keys(brought(source, catalogue, of(7))).sort()
    for (let list = 0; list < 8; list++) expect(both()).toEqual(['new1'])
    expect(both()).toEqual(['new1', 'new2'])
    trials.set('new1', { impressions: 200, clicks: 1 })
    expect(both()).toEqual(['new2'])
    trials.set('new1', { impressions: 40, clicks: 0 })
    expect(both()).toEqual(['new1', 'new2'])
    catalogue.signals[catalogue.items.find('new2')] = 50
    expect(both()).toEqual(['new1'])
    catalogue.stock[catalogue.items.find('new1')] = 0
    expect(both()).toEqual([])
    catalogue.stock[catalogue.items.find('new1')] = 5
    expect(both()).toEqual(['new1'])
    expect(brought(source, catalogue, { ...of(7), nowMs: nowMs + 14 * day })).toEqual({})
  })
})
