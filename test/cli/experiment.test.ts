import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openPorts } from '../../cli/compose.ts'
import { type Config, loadConfig } from '../../cli/config.ts'
import { readExperimentFile } from '../../cli/experiment-file.ts'
import { readExperiments } from '../../cli/experiment-log.ts'
import { partitionFor } from '../../core/partition-for.ts'
import { ExperimentTable } from '../../operators/tables/experiment-table.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import { experiments } from '../../topologies/experiments.ts'
import { CliFolder } from './run-cli.ts'

let folder: CliFolder
let config: Config
beforeEach(() => {
  folder = new CliFolder()
  config = loadConfig(undefined, { embedded: { path: join(folder.path, 'test.db') }, log: { level: 'silent' } })
})
afterEach(() => folder.close())

function write(name: string, content: unknown): string {
  const path = join(folder.path, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const file = {
  id: 'new-ranker',
  variants: [
    { name: 'old', policy: 'trend' },
    { name: 'new', policy: 'learned' },
  ],
  goals: ['click-through', 'conversion'],
  guardrails: { 'purchases-per-person': 0.05 },
  from: '2026-03-01',
}

it('creates, lists, shows and stops an experiment, and keeps an audit', { timeout: 120_000 }, async () => {
  const path = write('ranker.json', file)
  expect(await seen()).toMatchObject({ isSet: false, experiments: [{ id: 'learned-against-trend' }] })
  const created = await folder.run('experiment', 'create', path)
  expect(created).toMatchObject({ code: 0, stdout: 'new-ranker runs\n' })
  expect(created.stderr).toContain('"learned-against-trend" assigns nobody')
  await sendResults()
  const listed = await folder.run('experiment', 'ls')
  expect(listed.stdout).toMatch(/new-ranker +running +new-ranker 0–1 +old 1, new 1 +400/)
  await sendStop()
  const plot = join(folder.path, 'lifts.svg')
  const shown = await folder.run('experiment', 'show', 'new-ranker', '--plot', plot)
  expect(shown.stdout).toMatch(/new +click-through +200 +0\.4000 +100\.0 % .*better/)
  expect(shown.stdout).toMatch(/new +purchases-per-person .* guardrail (safe|open)/)
  expect(shown.stdout).toContain('800 slots that a bandit filled are left out')
  expect(readFileSync(plot, 'utf8')).toMatch(/^<svg .*[\s\S]*click-through: new[\s\S]*<\/svg>\n$/)
  expect(readFileSync(plot, 'utf8').match(/#cf222e/g), 'one mark per guardrail and variant').toHaveLength(1)
  expect(shown.stdout).toContain('new-ranker: the guardrail purchases-per-person of new is broken, compared with old')
  expect(shown.stdout).toContain(
    'stopped at 1970-01-01T00:00:09.000Z: purchases-per-person of new was -20.0 %, at most -8.0 %, with 200 people; -5.0 % is borne',
  )
  expect(await folder.json('experiment', 'stop', 'new-ranker')).toMatchObject({ code: 0, value: { stopped: 'new-ranker' } })
  const { table, experiments: left } = await seen()
  expect([left.map(({ state }) => state), table.running]).toEqual([['stopped'], []])
  const audit = readFileSync(join(folder.path, 'audit.jsonl'), 'utf8').trim().split('\n')
  expect(audit.map((line) => JSON.parse(line).act)).toEqual(['experiment create', 'experiment stop'])
  expect(await folder.run('experiment', 'show', 'nothing')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('experiment ls'),
  })
})

/** The experiments, read here: a process costs more than a second. */
async function seen() {
  const ports = await openPorts(config)
  const log = await readExperiments(ports, config)
  await ports.close()
  return log
}

/** What the topology tells of a broken guardrail. */
async function sendStop(): Promise<void> {
  const where = { experiment: 'new-ranker', revision: 1, metric: 'purchases-per-person', variant: 'new' }
  const stop = { ...where, lift: -0.2, upper: -0.08, lossMax: 0.05, people: 200, eventTimeMs: 9_000 }
  const ports = await openPorts(config)
  const value = ports.wire.encode('experiment-stops', stop)
  await ports.log.send([{ topic: 'experiment-stops', partition: partitionFor('new-ranker', 4), key: 'new-ranker', value }])
  await ports.close()
}

/** What the topology tells of 200 people per variant: 4 slots each, and one or two clicks apiece. */
async function sendResults(): Promise<void> {
  const definition = readExperimentFile(join(folder.path, 'ranker.json'))
  const driver = new TopologyDriver(experiments, { experiments: new ExperimentTable([definition]) })
  const deltas = Array.from({ length: 400 }, (_, person) => {
    const [variant, clicks] = person % 2 === 0 ? ['old', person % 4 === 0 ? 0 : 2] : ['new', person % 4 === 1 ? 1 : 3]
    const buyer = person % 3 === 0 ? 1 : 0
    const after = [5, clicks, 0, buyer, 30 * clicks, buyer, 0, 0, 0]
    const place = { sourcePartition: 0, sequence: person, closedMs: person }
    return {
      key: 'new-ranker',
      value: { experiment: 'new-ranker', variant, ...place, before: [], after, explored: 2, crossed: false },
    }
  })
  await driver.send('experiment-deltas', ...deltas)
  const ports = await openPorts(config)
  const records = driver.readKeyed('experiment-results').map(({ key, value }) => ({
    topic: 'experiment-results',
    partition: partitionFor(key!, 4),
    key,
    value: ports.wire.encode('experiment-results', value),
  }))
  await ports.log.send(records)
  await ports.close()
}

it('reads what is left out as plain, and refuses what is wrong by file and field', () => {
  expect(readExperimentFile(write('x.json', { id: 'x', variants: [{ name: 'a' }, { name: 'b' }] }))).toEqual({
    id: 'x',
    layer: 'x',
    layerFrom: 0,
    layerTo: 1,
    variants: ['a', 'b'].map((name) => ({ name, weight: 1, policy: null, settings: null })),
    control: 'a',
    coverage: 1,
    hash: 'growthbook',
    holdout: null,
    surfaces: [],
    regions: [],
    devices: [],
    measures: [{ metric: 'click-through', lossMax: null }],
    alpha: 0.05,
    tunedFor: 5000,
    state: 'running',
    revision: 1,
    fromMs: null,
    toMs: null,
    note: '',
  })
  const wrong: [unknown, string][] = [
    ['{', 'not readable as JSON'],
    [[], 'must be object; e.g. {"id"'],
    [{ id: 'x' }, "must have required property 'variants'"],
    [{ ...file, weights: [1] }, 'field "weights" is unknown; there are id, layer'],
    [{ ...file, coverage: 'all' }, 'field "coverage" must be number'],
    [{ ...file, hash: 'md5' }, 'field "hash" is "md5"; there are growthbook, planout'],
    [{ ...file, goals: ['joy'] }, 'there is no metric "joy"'],
    [{ ...file, guardrails: { conversion: 0.05 } }, 'names conversion twice'],
    [{ ...file, from: '2026-03-01T10:00' }, 'field "from": write a date'],
  ]
  for (const [content, why] of wrong) expect(() => readExperimentFile(write('wrong.json', content)), why).toThrow(why)
  expect(existsSync(join(folder.path, 'audit.jsonl'))).toBe(false)
})
