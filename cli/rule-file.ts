import { readFileSync } from 'node:fs'
import { compileRules } from '../algorithms/rules/compile-rules.ts'
import { MillraceError } from '../core/errors.ts'
import type { Rule } from '../schemas/rule.ts'
import { readTime, timeWords } from './read-time.ts'

type FieldKind = 'text' | 'texts' | 'number' | 'time'

/** What a rule may say in a file, and where it goes: `from` and `to` are times. */
const fileFields: Readonly<Record<string, readonly [keyof Rule, FieldKind]>> = {
  id: ['id', 'text'],
  kind: ['kind', 'text'],
  field: ['field', 'text'],
  values: ['values', 'texts'],
  valueMin: ['valueMin', 'number'],
  valueMax: ['valueMax', 'number'],
  bias: ['bias', 'number'],
  position: ['position', 'number'],
  first: ['first', 'number'],
  countMin: ['countMin', 'number'],
  countMax: ['countMax', 'number'],
  surfaces: ['surfaces', 'texts'],
  from: ['fromMs', 'time'],
  to: ['toMs', 'time'],
  note: ['note', 'text'],
}

const silent: Omit<Rule, 'id'> = {
  kind: 'bias',
  field: 'itemId',
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
  note: '',
}

/**
 * Reads rules from a JSON file: an array of objects, or one. Left out: `kind` is bias, `field` is itemId, all else nothing.
 * Errors: `MILL_RULE_INVALID` naming the file, the rule, the field and the fix.
 */
export function readRuleFile(path: string): Rule[] {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new MillraceError('MILL_RULE_INVALID', `${path} is not readable as JSON: ${(cause as Error).message}`, { cause })
  }
  const rules = (Array.isArray(value) ? value : [value]).map((entry, index) => ruleOf(entry, `${path}, rule ${index + 1}`))
  try {
    compileRules(rules)
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'MILL_RULE_INVALID')
      throw new MillraceError('MILL_RULE_INVALID', `${path}, ${error.message}`, { cause: error })
    throw error
  }
  return rules
}

function ruleOf(entry: unknown, where: string): Rule {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw refusal(where, 'write an object such as {"id": "no-acme", "field": "brand", "values": ["Acme"], "bias": 0}')
  const rule: Record<string, unknown> = { ...silent }
  for (const [name, value] of Object.entries(entry)) {
    const known = Object.hasOwn(fileFields, name) ? fileFields[name] : undefined
    if (!known) throw refusal(where, `field "${name}" is unknown; there are ${Object.keys(fileFields).join(', ')}`)
    if (value !== null) rule[known[0]] = read(value, known[1], `${where}, field "${name}"`)
  }
  if (typeof rule['id'] !== 'string') throw refusal(where, 'field "id" is missing: give each rule a name of its own')
  return rule as unknown as Rule
}

function read(value: unknown, kind: FieldKind, where: string): unknown {
  switch (kind) {
    case 'text':
      if (typeof value !== 'string') throw refusal(where, 'write a text')
      return value
    case 'texts':
      if (!Array.isArray(value) || value.some((text) => typeof text !== 'string'))
        throw refusal(where, 'write a list of texts, e.g. ["Acme"]')
      return value
    case 'number':
      if (typeof value !== 'number') throw refusal(where, 'write a number')
      return value
    case 'time': {
      const timeMs = readTime(value)
      if (timeMs === null) throw refusal(where, timeWords)
      return timeMs
    }
  }
}

function refusal(where: string, fix: string): MillraceError {
  return new MillraceError('MILL_RULE_INVALID', `${where}: ${fix}`)
}
