import type { RuleSpec, RuleSubject } from '../../../algorithms/rules/rule-spec.ts'

/** A rule with nothing said but what is given. */
export function ruleOf(given: Partial<RuleSpec> & Pick<RuleSpec, 'id' | 'kind'>): RuleSpec {
  return {
    field: 'brand',
    values: [],
    valueMin: null,
    valueMax: null,
    bias: 1,
    position: null,
    first: null,
    countMin: null,
    countMax: null,
    surfaces: [],
    fromMs: null,
    toMs: null,
    ...given,
  }
}

/** An item with nothing said but what is given. */
export function subjectOf(itemId: string, given: Partial<RuleSubject> = {}): RuleSubject {
  return { itemId, category: [], tags: [], brand: null, price: 10, margin: 2, stock: null, createdMs: 0, ...given }
}

export const pin = (id: string, itemId: string, position: number) =>
  ruleOf({ id, kind: 'pin', field: 'itemId', values: [itemId], position })
export const never = (id: string, ...brands: string[]) => ruleOf({ id, kind: 'bias', values: brands, bias: 0 })
export const only = (id: string, ...brands: string[]) => ruleOf({ id, kind: 'bias', values: brands, bias: -1 })
export const boost = (id: string, bias: number, ...brands: string[]) => ruleOf({ id, kind: 'bias', values: brands, bias })
export const quota = (id: string, brand: string, first: number, countMin: number | null, countMax: number | null = null) =>
  ruleOf({ id, kind: 'quota', values: [brand], first, countMin, countMax })
