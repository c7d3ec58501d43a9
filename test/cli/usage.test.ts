import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { importFormatNames } from '../../cli/commands/import.ts'
import { importFormats } from '../../connectors/files/import-formats.ts'
import { CliFolder, projectFolder } from './run-cli.ts'

const folder = new CliFolder()
afterAll(() => folder.close())

const commands = [
  'start',
  'topologies',
  'topologies ls',
  'topologies describe',
  'topologies graph',
  'status',
  'pause',
  'resume',
  'drain',
  'reset',
  'state get',
  'lists get',
  'rules',
  'rules set',
  'rules ls',
  'rules rm',
  'rules test',
  'exploration off',
  'exploration on',
  'exploration ls',
  'dead-letters',
  'dead-letters ls',
  'dead-letters show',
  'dead-letters replay',
  'report',
  'report parity',
  'report exposure',
  'import',
  'export',
  'verify',
  'evaluate',
  'models ls',
  'models load',
  'services',
  'services up',
  'services down',
  'services status',
  'doctor',
]

/** Runs all, four at a time: a process costs half a second. */
async function each<T>(inputs: readonly T[], work: (input: T) => Promise<void>): Promise<void> {
  const rest = [...inputs]
  const worker = async () => {
    for (let input = rest.shift(); input !== undefined; input = rest.shift()) await work(input)
  }
  await Promise.all([worker(), worker(), worker(), worker()])
}

it('every command has help that ends with 0', { timeout: 60_000 }, async () => {
  await each(commands, async (command) => {
    const { code, stdout, stderr } = await folder.run(...command.split(' '), '--help')
    expect({ command, code, stderr }).toEqual({ command, code: 0, stderr: '' })
    expect(stdout).toContain(`millrace ${command}`)
    expect(stdout).toContain('--json')
  })
  const { stdout } = await folder.run('--help')
  for (const command of commands) expect(stdout).toContain(`millrace ${command.split(' ')[0]}`)
})

it('wrong usage ends with 2 and names what is wrong', { timeout: 60_000 }, async () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['', 'name a command'],
    ['evaluate policy --log x --policy foo', 'there is no policy "foo"'],
    ['evaluate policy --log x --policy lin-ucb --prior p', '--prior is for --policy beta-thompson'],
    ['strat', 'start'],
    ['start --evnts 3', 'evnts'],
    ['start --events many', '--events'],
    ['start --events 0', '--events'],
    ['start --config none.json', 'none.json'],
    ['topologies', 'ls, describe or graph'],
    ['topologies describe nothing', 'nothing'],
    ['topologies graph bandit --format dot', 'format'],
    ['reset nothing', 'nothing'],
    ['state get nothing k', 'nothing'],
    ['dead-letters ls --limit -1', '--limit'],
    ['dead-letters replay', '--all'],
    ['rules', 'set, ls, rm or test'],
    ['rules set', 'arguments'],
    ['rules set none.json', 'none.json'],
    ['rules test none.json --at noon', '--at'],
    ['exploration', 'off, on or ls'],
    ['exploration off Home --reason x', '"recommendations.surface" must be 1–32 small letters'],
    ['import netflix x', 'netflix'],
    ['import movielens x --column a=b', '--column'],
    ['import movielens nowhere', 'nowhere'],
    ['export rewards', 'out'],
    ['export everything --out x', 'everything'],
    ['verify --topology nothing', 'nothing'],
    ['services up mongo', 'mongo'],
    ['lists get u1 --set gatway.port=1', 'gateway'],
    ['lists get u1 --set gateway.port=high', 'gateway.port'],
    ['lists get u1 --set gateway', '--set'],
  ]
  await each(wrong, async ([command, named]) => {
    const { code, stdout, stderr } = await folder.run(...command.split(' ').filter(Boolean))
    expect({ command, code, stdout }).toEqual({ command, code: 2, stdout: '' })
    expect(stderr).toContain(named)
  })
})

it('tells failures as JSON where asked, and an engine that does not answer as 3', async () => {
  const { code, stderr, stdout } = await folder.run('status', '--address', '127.0.0.1:1', '--json')
  expect(code).toBe(3)
  expect(stdout).toBe('')
  expect(JSON.parse(stderr)).toMatchObject({
    error: { code: 'MILL_LOG_UNAVAILABLE', message: expect.stringContaining('127.0.0.1:1') },
  })
})

it('prints a completion script, and completes commands', async () => {
  expect((await folder.run('completion')).stdout).toContain('millrace')
  expect((await folder.run('--get-yargs-completions', 'millrace', 'to')).stdout).toContain('topologies')
})

it('knows the import formats without loading them', () => {
  expect(importFormatNames).toEqual(importFormats.map((format) => format.name))
})

it('draws topologies', async () => {
  const { value } = await folder.json('topologies', 'ls')
  expect((value as { name: string }[]).map(({ name }) => name)).toEqual([
    'user-features',
    'item-features',
    'recommendations',
    'rewards',
    'bandit',
    'experiments',
    'attribution',
  ])
  expect((await folder.run('topologies', 'describe', 'rewards')).stdout).toMatch(/^topology rewards\n {2}source +decisions/)
  expect((await folder.run('topologies', 'graph', 'rewards', '--format', 'mermaid')).stdout).toMatch(/^flowchart LR\n/)
  const graph = (await folder.json('topologies', 'graph', 'rewards')).value as { nodes: { kind: string }[] }
  expect(graph.nodes.map((node) => node.kind)).toContain('sink')
})

/** A Node older than 24 somewhere on the path, outside this project. */
function olderNode(): string | undefined {
  const candidates = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((path) => !path.includes('node_modules'))
    .map((path) => join(path, 'node'))
  return candidates.find((path) => {
    if (!existsSync(path)) return false
    const major = Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1])
    return major >= 16 && major < 24
  })
}

const older = olderNode()
it.skipIf(older === undefined)('an older Node hands over to the pinned one, exit code and all', async () => {
  const command = join(projectFolder, 'cli', 'millrace.js')
  expect(await folder.startProgram(older!, command, 'topologies', 'describe', 'bandit').ended).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('topology bandit'),
  })
  expect(await folder.startProgram(older!, command, 'start', '--evnts').ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('evnts'),
  })
})

it('whoever reads its output may stop before the end', async () => {
  const running = folder.start('topologies', 'describe', 'recommendations')
  running.child.stdout!.destroy()
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' })
})
