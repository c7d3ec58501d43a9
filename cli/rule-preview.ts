import { applyRules } from '../algorithms/rules/apply-rules.ts'
import { checkList } from '../algorithms/rules/check-list.ts'
import { type CompiledRules, compileRules } from '../algorithms/rules/compile-rules.ts'
import { isOrdering, type RuleSubject, unknownSubject } from '../algorithms/rules/rule-spec.ts'
import type { RuleMove } from '../algorithms/rules/ruled-list.ts'
import type { Item } from '../schemas/item.ts'
import { listKeys } from '../schemas/list-keys.ts'
import type { Recommendation } from '../schemas/recommendation.ts'
import { type Rule, ruleSchema } from '../schemas/rule.ts'
import { decodeServed, type ServedReserve } from '../schemas/served-list.ts'
import type { OpenPorts } from './compose.ts'
import { readTopic } from './read-topic.ts'
import { mergedRules, readRules } from './rule-log.ts'

/** One list that would change. */
export interface PreviewExample {
  readonly userId: string
  readonly surface: string
  readonly before: readonly string[]
  readonly after: readonly string[]
  readonly moves: readonly RuleMove[]
}

/** What a file of rules would do to the lists stored now. */
export interface RulePreview {
  readonly lists: number
  readonly changed: number
  /** Items that would come onto and go from lists. */
  readonly itemsIn: number
  readonly itemsOut: number
  /** By rule of the file: lists it is in force for, lists in which it moves something, lists in which it cannot be kept. */
  readonly rules: readonly { readonly id: string; readonly lists: number; readonly moves: number; readonly broken: number }[]
  /** Whatever would not be kept, a few. */
  readonly broken: readonly { readonly userId: string; readonly ruleId: string | null; readonly what: string }[]
  readonly examples: readonly PreviewExample[]
}

/** Reserves asked for at once. */
const chunkLists = 500
const brokenShownMax = 20

/**
 * Applies the rules that are set, and those with the file's, to every stored list (topic `recommendations`) and its reserve, and
 * compares. Nothing is written. Boosts and buries that are set already are in the stored order and are not applied again; so
 * what removing one would do is not seen. Rules hold at `atMs`, or at each list's own newest event. Errors: `MILL_RULE_INVALID`.
 */
export async function previewRules(
  ports: Pick<OpenPorts, 'log' | 'wire' | 'lists'>,
  file: readonly Rule[],
  options: { readonly atMs?: number | undefined; readonly examplesMax: number },
): Promise<RulePreview> {
  const set = await readRules(ports)
  const merged = mergedRules(set, file)
  compileRules(merged)
  // As records: fields that are written in another order are the same rule.
  const known = new Map(set.map((rule) => [rule.id, ruleSchema.encode(rule)]))
  const isNew = new Set(file.filter((rule) => !known.get(rule.id)?.equals(ruleSchema.encode(rule))).map(({ id }) => id))
  const tally = new PreviewTally(file, {
    before: compileRules(set.filter((rule) => !isOrdering(rule))),
    after: compileRules(merged.filter((rule) => isNew.has(rule.id) || !isOrdering(rule))),
    subjects: await readSubjects(ports),
    ...options,
  })
  const newest = new Map<string | null, Recommendation>()
  for await (const { key, value } of readTopic(ports, 'recommendations')) {
    if (value === null) newest.delete(key)
    else newest.set(key, value)
  }
  const lists = [...newest.values()]
  for (let at = 0; at < lists.length; at += chunkLists) {
    const chunk = lists.slice(at, at + chunkLists)
    const reserves = await ports.lists.get(chunk.map(({ userId, surface }) => listKeys.reserve(userId, surface)))
    chunk.forEach((list, n) => {
      const reserve = decodeServed<ServedReserve>(reserves[n] ?? null)
      tally.add(list, reserve?.listId === list.listId ? reserve.items : [])
    })
  }
  return tally.preview()
}

async function readSubjects(ports: Pick<OpenPorts, 'log' | 'wire'>): Promise<Map<string, RuleSubject>> {
  const subjects = new Map<string, Item>()
  for await (const { key, value } of readTopic(ports, 'items')) {
    if (value !== null) subjects.set(value.itemId, value)
    else if (key !== null && subjects.has(key)) subjects.set(key, { ...subjects.get(key)!, stock: 0 })
  }
  return subjects
}

interface PreviewParts {
  readonly before: CompiledRules
  readonly after: CompiledRules
  readonly subjects: Map<string, RuleSubject>
  readonly atMs?: number | undefined
  readonly examplesMax: number
}

class PreviewTally {
  readonly #parts: PreviewParts
  readonly #rules: Map<string, { id: string; lists: number; moves: number; broken: number }>
  readonly #examples: PreviewExample[] = []
  readonly #broken: { userId: string; ruleId: string | null; what: string }[] = []
  #lists = 0
  #changed = 0
  #itemsIn = 0
  #itemsOut = 0

  constructor(file: readonly Rule[], parts: PreviewParts) {
    this.#parts = parts
    this.#rules = new Map(file.map(({ id }) => [id, { id, lists: 0, moves: 0, broken: 0 }]))
  }

  add(list: Recommendation, reserve: Recommendation['items']): void {
    const { atMs, subjects } = this.#parts
    const items = [...list.items, ...reserve]
    const ruled = {
      subjects: items.map(({ itemId }) => this.#subjectOf(itemId)),
      scores: items.map(({ score }) => score),
      size: list.items.length,
      surface: list.surface,
      timeMs: atMs ?? list.watermarkMs,
      find: (itemId: string) => subjects.get(itemId),
    }
    const shownBy = (rules: CompiledRules) => {
      const result = applyRules(rules, ruled)
      const all = [...ruled.subjects, ...result.added]
      return { ...result, shown: Array.from(result.order.subarray(0, result.size), (index) => all[index]!) }
    }
    const before = shownBy(this.#parts.before).shown.map(({ itemId }) => itemId)
    const { shown, moves, violations } = shownBy(this.#parts.after)
    const after = shown.map(({ itemId }) => itemId)
    this.#lists++
    const rules = this.#parts.after
    const told = new Set(violations.map(({ ruleId }) => ruleId))
    const checked = checkList(rules.specs, shown, ruled).filter(({ ruleId }) => !told.has(ruleId))
    this.#count(rules, ruled, moves, [...violations, ...checked], list.userId)
    if (before.join('\n') === after.join('\n')) return
    this.#changed++
    this.#itemsIn += after.filter((itemId) => !before.includes(itemId)).length
    this.#itemsOut += before.filter((itemId) => !after.includes(itemId)).length
    if (this.#examples.length < this.#parts.examplesMax)
      this.#examples.push({ userId: list.userId, surface: list.surface, before, after, moves })
  }

  preview(): RulePreview {
    return {
      lists: this.#lists,
      changed: this.#changed,
      itemsIn: this.#itemsIn,
      itemsOut: this.#itemsOut,
      rules: [...this.#rules.values()],
      broken: this.#broken,
      examples: this.#examples,
    }
  }

  #count(
    rules: CompiledRules,
    moment: { readonly surface: string; readonly timeMs: number },
    moves: readonly RuleMove[],
    broken: readonly { readonly ruleId: string | null; readonly what: string }[],
    userId: string,
  ): void {
    const { isActive } = rules.active(moment)
    rules.specs.forEach(({ id }, number) => {
      const own = this.#rules.get(id)
      if (own && isActive[number] === 1) own.lists++
    })
    for (const id of new Set(moves.map(({ ruleId }) => ruleId)))
      if (id !== null && this.#rules.has(id)) this.#rules.get(id)!.moves++
    for (const id of new Set(broken.map(({ ruleId }) => ruleId)))
      if (id !== null && this.#rules.has(id)) this.#rules.get(id)!.broken++
    for (const { ruleId, what } of broken) if (this.#broken.length < brokenShownMax) this.#broken.push({ userId, ruleId, what })
  }

  /** An item that the catalogue does not have, yet a list shows: nothing is known of it. */
  #subjectOf(itemId: string): RuleSubject {
    const { subjects } = this.#parts
    const known = subjects.get(itemId)
    if (known) return known
    const blank = unknownSubject(itemId)
    subjects.set(itemId, blank)
    return blank
  }
}
