/**
 * A rule as `compileRules` takes it: the shape of the `rules` topic's records without their note (schemas/rule.ts says what the fields
 * mean). Algorithms know no schemas: test/operators/apply-rules.test.ts holds the two shapes to be one.
 */
export interface RuleSpec {
  readonly id: string
  readonly kind: 'bias' | 'pin' | 'bury' | 'floor' | 'quota'
  readonly field: 'itemId' | 'category' | 'brand' | 'tag' | 'price' | 'margin' | 'stock' | 'ageDays'
  readonly values: readonly string[]
  readonly valueMin: number | null
  readonly valueMax: number | null
  readonly bias: number
  readonly position: number | null
  readonly first: number | null
  readonly countMin: number | null
  readonly countMax: number | null
  readonly surfaces: readonly string[]
  readonly fromMs: number | null
  readonly toMs: number | null
}

/** What rules may ask of an item: part of a catalogue item. */
export interface RuleSubject {
  readonly itemId: string
  /** Category path; a rule may name any level. */
  readonly category: readonly string[]
  readonly tags: readonly string[]
  readonly brand: string | null
  readonly price: number
  readonly margin: number
  /** Pieces left; null = not counted, always available. */
  readonly stock: number | null
  readonly createdMs: number
}

/** Where and when rules are asked for. */
export interface RuleMoment {
  readonly surface: string
  /** Event time. */
  readonly timeMs: number
}

/** A promise of a rule that the list could not keep. */
export interface RuleViolation {
  /** The rule; null = the promises every list makes (in stock, no item twice). */
  readonly ruleId: string | null
  /** What is wrong, with the item or count. */
  readonly what: string
}

export const textFields: readonly RuleSpec['field'][] = ['itemId', 'category', 'brand', 'tag']
export const numberFields: readonly RuleSpec['field'][] = ['price', 'margin', 'stock', 'ageDays']

/** Whether a rule moves items by how far they are ahead, which a finished list shows already. */
export function isOrdering({ kind, bias }: Pick<RuleSpec, 'kind' | 'bias'>): boolean {
  return kind === 'bury' || (kind === 'bias' && bias > 0)
}

/** An item of which only the name is known. */
export function unknownSubject(itemId: string): RuleSubject {
  return { itemId, category: [], tags: [], brand: null, price: 0, margin: 0, stock: null, createdMs: 0 }
}

const dayMs = 86_400_000

/** A number field of an item; null = not counted. */
export function numberOf(subject: RuleSubject, field: RuleSpec['field'], timeMs: number): number | null {
  if (field === 'ageDays') return (timeMs - subject.createdMs) / dayMs
  return field === 'price' ? subject.price : field === 'margin' ? subject.margin : subject.stock
}

/** The texts an item has in a text field. */
export function textsOf(subject: RuleSubject, field: RuleSpec['field']): readonly string[] {
  switch (field) {
    case 'itemId':
      return [subject.itemId]
    case 'category':
      return subject.category
    case 'brand':
      return subject.brand === null ? [] : [subject.brand]
    default:
      return subject.tags
  }
}
