import { numberFields, type RuleSpec, textFields } from './rule-spec.ts'

/** Bounds of a rule: more is a mistake, or a rule for each of something. */
export const ruleLimits = { idLengthMax: 100, valuesMax: 1_000, surfacesMax: 20, placesMax: 100, biasMax: 100 } as const

const kinds: readonly string[] = ['bias', 'pin', 'bury', 'floor', 'quota']

/** What is wrong with a rule, where, and how to mend it, as a sentence to follow its id; null if nothing is. */
export function ruleFault(rule: RuleSpec): string | null {
  const { idLengthMax, surfacesMax } = ruleLimits
  if (!/^[\w.:-]+$/.test(rule.id) || rule.id.length > idLengthMax)
    return `id "${rule.id}": write 1–${idLengthMax} letters, digits, dots, colons, dashes or underscores`
  if (!kinds.includes(rule.kind)) return `kind "${rule.kind}": write one of ${kinds.join(', ')}`
  if (rule.surfaces.length > surfacesMax || rule.surfaces.some((surface) => surface === ''))
    return `surfaces: name at most ${surfacesMax}, none of them empty; leave it out for all`
  if (rule.fromMs !== null && rule.toMs !== null && !(rule.fromMs < rule.toMs))
    return 'from and to: it would never hold; "to" must be later than "from"'
  return fieldFault(rule) ?? kindFault(rule) ?? strayFault(rule)
}

/** The items it is about. */
function fieldFault({ field, values, valueMin, valueMax }: RuleSpec): string | null {
  const { valuesMax } = ruleLimits
  if (textFields.includes(field)) {
    if (values.length === 0) return `values: name at least one ${field}`
    if (values.length > valuesMax) return `values: ${values.length} are too many; split it into rules of at most ${valuesMax}`
    if (valueMin !== null || valueMax !== null) return `valueMin and valueMax: ${field} is a text; use values`
    return null
  }
  if (!numberFields.includes(field)) return `field "${field}": write one of ${[...textFields, ...numberFields].join(', ')}`
  if (values.length > 0) return `values: ${field} is a number; use valueMin and valueMax`
  if (valueMin === null && valueMax === null) return `valueMin or valueMax: say which ${field} is meant`
  if (!isFiniteOrNull(valueMin) || !isFiniteOrNull(valueMax)) return 'valueMin and valueMax: write finite numbers'
  if (valueMin !== null && valueMax !== null && valueMin > valueMax)
    return 'valueMin and valueMax: the least is above the largest'
  return null
}

/** What it does with them. */
function kindFault(rule: RuleSpec): string | null {
  const { placesMax, biasMax } = ruleLimits
  const { kind, bias, position, first, countMin, countMax } = rule
  if (kind === 'bias' && !(bias === -1 || bias === 0 || (bias > 0 && bias <= biasMax)))
    return `bias ${bias}: write -1 (only these), 0 (never these) or a factor up to ${biasMax}`
  if (kind === 'bias' && bias === 1) return 'bias 1: changes nothing; write another factor or remove the rule'
  if (kind === 'pin') {
    if (rule.field !== 'itemId' || rule.values.length !== 1) return 'values: a pin is about exactly one itemId'
    if (!isWhole(position, 0, placesMax - 1)) return `position ${position}: write a place in 0–${placesMax - 1}`
  }
  if (kind === 'floor' && (!numberFields.includes(rule.field) || rule.valueMin === null || rule.valueMax !== null))
    return 'a floor is about a number (price, margin, stock, ageDays) and has a valueMin only'
  if (kind === 'quota') {
    if (!isWhole(first, 1, placesMax)) return `first ${first}: write how many places it is about, 1–${placesMax}`
    if (countMin === null && countMax === null) return 'countMin or countMax: say how many'
    if (countMin !== null && !isWhole(countMin, 0, first!)) return `countMin ${countMin}: write a whole number in 0–${first}`
    if (countMax !== null && !isWhole(countMax, countMin ?? 0, placesMax))
      return `countMax ${countMax}: write a whole number in ${countMin ?? 0}–${placesMax}`
  }
  return null
}

/** Fields that mean nothing to the kind: whoever wrote them expects something else. */
function strayFault(rule: RuleSpec): string | null {
  if (rule.kind !== 'bias' && rule.bias !== 1) return `bias: means nothing to a ${rule.kind}; leave it out or make it a bias`
  if (rule.kind !== 'pin' && rule.position !== null) return `position: means nothing to a ${rule.kind}; only pins have one`
  if (rule.kind !== 'quota' && (rule.first !== null || rule.countMin !== null || rule.countMax !== null))
    return `first, countMin and countMax: mean nothing to a ${rule.kind}; only quotas have them`
  return null
}

function isWhole(value: number | null, min: number, max: number): boolean {
  return value !== null && Number.isInteger(value) && value >= min && value <= max
}

function isFiniteOrNull(value: number | null): boolean {
  return value === null || Number.isFinite(value)
}
