import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { Rule } from '../../schemas/rule.ts'
import { audit } from '../audit.ts'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import type { RulePreview } from '../rule-preview.ts'
import { wholeNumber } from '../whole-number.ts'
import { withPorts } from '../with-ports.ts'

interface FileFlags extends GlobalFlags {
  readonly file: string
}

const set: CommandModule<object, FileFlags & { readonly replace: boolean }> = {
  command: 'set <file>',
  describe: 'Set the rules of a JSON file while engines run; a rule of the same id is replaced',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'An array of rules, or one' })
      .option('replace', { type: 'boolean', default: false, describe: 'Also remove the rules that the file does not have' })
      .example('$0 rules test spring.json', 'which lists would change')
      .example('$0 rules set spring.json', 'set them') as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { readRuleFile } = await import('../rule-file.ts')
    const { mergedRules, readRules, sendRules } = await import('../rule-log.ts')
    const { compileRules } = await import('../../algorithms/rules/compile-rules.ts')
    const { Engine } = await import('../../runtime/engine.ts')
    const rules = readRuleFile(flags.file)
    await withPorts(config, async (ports) => {
      const before = await readRules(ports)
      const ids = new Set(rules.map(({ id }) => id))
      const removed = flags.replace ? before.map(({ id }) => id).filter((id) => !ids.has(id)) : []
      // Each by itself was read as right; together they may be too many.
      compileRules(mergedRules(flags.replace ? [] : before, rules))
      await Engine.ensureTopics(ports.log, config.partitions)
      await sendRules(ports, rules, removed)
      audit(config, 'rules set', { ids: [...ids], removed })
      if (flags.json) printJson({ set: rules.length, removed: removed.length })
      else console.log(`${rules.length} set${removed.length > 0 ? `, ${removed.length} removed` : ''}`)
    })
  },
}

const ls: CommandModule<object, GlobalFlags> = {
  command: 'ls',
  describe: 'The rules that are set, and why one is left out',
  handler: async (flags) => {
    const { readRules } = await import('../rule-log.ts')
    const { RuleTable } = await import('../../operators/tables/rule-table.ts')
    await withPorts(configOf(flags), async (ports) => {
      const rules = await readRules(ports)
      const table = new RuleTable()
      table.apply(rules.map((value) => ({ key: value.id, value, offset: 0, loggedMs: 0 })))
      const { faults } = table
      if (flags.json) printJson({ rules, faults: Object.fromEntries(faults) })
      else
        printTable(
          ['id', 'does', 'to', 'on', 'from', 'until', 'note'],
          rules.map((rule) => [
            rule.id,
            faults.has(rule.id) ? 'nothing' : deedOf(rule),
            aboutOf(rule),
            rule.surfaces.join(' ') || null,
            day(rule.fromMs),
            day(rule.toMs),
            rule.note || null,
          ]),
          'no rules are set',
        )
      if (!flags.json) for (const [id, fault] of faults) console.log(`${id} is left out of all lists: ${fault}`)
    })
  },
}

const rm: CommandModule<object, GlobalFlags & { readonly id: string }> = {
  command: 'rm <id>',
  describe: 'Remove a rule. Exit 1 if there is none of that id',
  builder: (yargs) => yargs.positional('id', { type: 'string', demandOption: true, describe: 'As ls prints it' }) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const { readRules, sendRules } = await import('../rule-log.ts')
    await withPorts(config, async (ports) => {
      if (!(await readRules(ports)).some(({ id }) => id === flags.id))
        throw new MillraceError('MILL_NOT_FOUND', `there is no rule ${flags.id}; millrace rules ls shows them`)
      await sendRules(ports, [], [flags.id])
      audit(config, 'rules rm', { ids: [flags.id] })
      if (flags.json) printJson({ removed: 1 })
      else console.log(`${flags.id} removed`)
    })
  },
}

interface TestFlags extends FileFlags {
  readonly examples: number
  readonly at: string | undefined
}

const test: CommandModule<object, TestFlags> = {
  command: 'test <file>',
  describe: 'Which stored lists the rules of a file would change, without setting them. Exit 1 if one could not be kept',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', demandOption: true, describe: 'An array of rules, or one' })
      .option('examples', {
        default: 3,
        coerce: wholeNumber('examples', { min: 0, max: 1_000 }),
        requiresArg: true,
        describe: 'Lists shown before and after',
      })
      .option('at', {
        type: 'string',
        requiresArg: true,
        describe: "When, e.g. 2026-12-01T00:00:00Z; each list's newest event if absent",
      }) as never,
  handler: async (flags) => {
    const config = configOf(flags)
    const atMs = flags.at === undefined ? undefined : Date.parse(flags.at)
    if (Number.isNaN(atMs)) throw new MillraceError('MILL_USAGE', `--at ${flags.at}: write a time such as 2026-12-01T00:00:00Z`)
    const { readRuleFile } = await import('../rule-file.ts')
    const { previewRules } = await import('../rule-preview.ts')
    const rules = readRuleFile(flags.file)
    await withPorts(config, async (ports) => {
      const preview = await previewRules(ports, rules, { atMs, examplesMax: flags.examples })
      if (preview.broken.length > 0) process.exitCode = exitCodes.no
      if (flags.json) printJson(preview)
      else tell(preview)
    })
  },
}

function tell({ lists, changed, itemsIn, itemsOut, rules, broken, examples }: RulePreview): void {
  console.log(`${changed} of ${lists} lists would change: ${itemsIn} items come, ${itemsOut} go`)
  const rows = rules.map((rule) => [rule.id, rule.lists, rule.moves, rule.broken])
  printTable(['rule', 'in force', 'moves something', 'cannot be kept'], rows, 'the file has no rules')
  for (const { userId, ruleId, what } of broken) console.log(`${userId}: ${ruleId ?? 'every list'}: ${what}`)
  for (const { userId, surface, before, after, moves } of examples) {
    console.log(`\n${userId} on ${surface}\n  before  ${before.join(' ')}\n  after   ${after.join(' ')}`)
    for (const { ruleId, kind, itemId, from, to } of moves)
      console.log(`  ${itemId} ${kind} ${placeOf(from)} → ${placeOf(to)}${ruleId === null ? '' : ` by ${ruleId}`}`)
  }
}

function placeOf(place: number): string {
  return place < 0 ? 'out' : String(place)
}

/** What a rule does, in a few words. */
function deedOf({ kind, bias, position, first, countMin, countMax, valueMin }: Rule): string {
  switch (kind) {
    case 'bias':
      return bias === -1 ? 'only' : bias === 0 ? 'never' : `score × ${bias}`
    case 'pin':
      return `pin at ${position}`
    case 'bury':
      return 'bury'
    case 'floor':
      return `at least ${valueMin}`
    case 'quota':
      return `${countMin ?? 0}–${countMax ?? first} of the first ${first}`
  }
}

/** What a rule is about. */
function aboutOf({ kind, field, values, valueMin, valueMax }: Rule): string {
  if (kind === 'floor') return field
  if (values.length > 0)
    return `${field} ${values.slice(0, 3).join(', ')}${values.length > 3 ? ` and ${values.length - 3} more` : ''}`
  return `${field} ${valueMin ?? ''}–${valueMax ?? ''}`
}

function day(timeMs: number | null): string | null {
  return timeMs === null
    ? null
    : new Date(timeMs).toISOString().replace(/(T00:00)?:00\.000Z$/, (_all, midnight?: string) => (midnight ? '' : 'Z'))
}

/** `millrace rules set | ls | rm | test`. */
export const rulesCommand: CommandModule = {
  command: 'rules',
  describe: 'Merchandising rules: boosts, filters, pins, buries, floors, quotas',
  builder: (yargs) =>
    yargs.command(set).command(ls).command(rm).command(test).demandCommand(1, 'name what to do: set, ls, rm or test'),
  handler: () => {},
}
