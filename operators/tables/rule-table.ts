import { type CompiledRules, compileRules, quotasMax, rulesMax } from '../../algorithms/rules/compile-rules.ts'
import { ruleFault } from '../../algorithms/rules/rule-fault.ts'
import { isOrdering } from '../../algorithms/rules/rule-spec.ts'
import type { Sourced } from '../../ports/batch.ts'
import { type Logger, silentLogger } from '../../ports/logger.ts'
import type { Rule } from '../../schemas/rule.ts'

/**
 * `rules` as a table: the rules that are set, compiled when first asked for after a change. A rule that is wrong, or one too many,
 * is left out, told in `faults` and logged once: whatever somebody wrote to the topic, lists go on.
 */
export class RuleTable {
  readonly #rules = new Map<string, Rule>()
  readonly #faults = new Map<string, string>()
  /** What was logged, by rule: a fault is told again when it is another one. */
  readonly #logged = new Map<string, string>()
  readonly #logger: Logger
  #compiled: CompiledRules | undefined
  #standing: CompiledRules | undefined

  constructor(logger: Logger = silentLogger) {
    this.#logger = logger
  }

  /** What is wrong with the rules that are left out, by id. */
  get faults(): ReadonlyMap<string, string> {
    if (this.#compiled === undefined) this.#compiled = compileRules(this.#right())
    return this.#faults
  }

  get compiled(): CompiledRules {
    this.#compiled ??= compileRules(this.#right())
    return this.#compiled
  }

  /** Those that a finished list is held to: all but the ones that move items by their scores. */
  get standing(): CompiledRules {
    this.#standing ??= compileRules(this.compiled.specs.filter((rule) => !isOrdering(rule)))
    return this.#standing
  }

  apply(records: readonly Sourced<Rule | null>[]): void {
    if (records.length === 0) return
    for (const { key, value } of records) {
      if (value === null) this.#rules.delete(key)
      else this.#rules.set(value.id, value)
    }
    this.#compiled = undefined
    this.#standing = undefined
  }

  /** Those that can be compiled; of too many the ones with the lower ids, whatever order they came in. */
  #right(): Rule[] {
    this.#faults.clear()
    for (const id of this.#logged.keys()) if (!this.#rules.has(id)) this.#logged.delete(id)
    const rules: Rule[] = []
    let quotas = 0
    for (const rule of [...this.#rules.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
      const isOver = rules.length >= rulesMax || (rule.kind === 'quota' && quotas >= quotasMax)
      const fault = ruleFault(rule) ?? (isOver ? 'there are too many: remove some' : null)
      if (fault !== null) this.#leaveOut(rule.id, fault)
      else {
        rules.push(rule)
        if (rule.kind === 'quota') quotas++
      }
    }
    return rules
  }

  #leaveOut(id: string, fault: string): void {
    this.#faults.set(id, fault)
    if (this.#logged.get(id) === fault) return
    this.#logged.set(id, fault)
    this.#logger.warn({ rule: id, fault }, 'A rule is left out: millrace rules ls shows it.')
  }
}
