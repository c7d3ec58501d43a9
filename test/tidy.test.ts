import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { errorCodes } from '../core/errors.ts'
import { operatorDocs, promiseNames } from '../docs/operator-docs.ts'
import { projectFiles, readSource, root, type SourceFile } from './project-files.ts'

// The house style as a test. Every message names the fix; nothing is excepted by name.

/** Who may import whom. `type` marks folders of which only types may be had. */
const mayImport: Record<string, readonly string[]> = {
  core: [],
  schemas: ['core'],
  ports: ['schemas', 'core'],
  algorithms: ['core'],
  operators: ['algorithms', 'ports', 'schemas', 'core'],
  runtime: ['ports', 'schemas', 'core'],
  connectors: ['ports', 'schemas', 'core'],
  topologies: ['operators', 'runtime', 'type ports', 'type schemas', 'type algorithms'],
  gateway: ['ports', 'schemas', 'core'],
  'gpu-workers': ['ports', 'schemas', 'core'],
  cli: [
    'core',
    'schemas',
    'ports',
    'algorithms',
    'operators',
    'runtime',
    'topologies',
    'gateway',
    'simulator',
    'evaluation',
    'connectors',
  ],
  simulator: ['schemas', 'algorithms', 'core'],
  evaluation: ['algorithms', 'ports', 'schemas', 'core'],
}
const codeFolders = Object.keys(mayImport)

/** Where an outside package may be imported; what is not named here belongs to one folder only. */
const packageHomes: Record<string, readonly string[]> = {
  rxjs: ['operators', 'runtime', 'connectors'],
  kafkajs: ['connectors/kafka'],
  ioredis: ['connectors/redis'],
  '@confluentinc/schemaregistry': ['connectors/registry'],
  'node:sqlite': ['connectors/embedded'],
  'node:v8': ['core'],
  // Hashes are mathematics too.
  'node:crypto': ['core', 'connectors', 'gateway', 'cli'],
  '@grpc/grpc-js': ['connectors/grpc', 'gpu-workers'],
  '@grpc/proto-loader': ['connectors/grpc', 'gpu-workers'],
  'grpc-health-check': ['gpu-workers'],
  'onnxruntime-node': ['gpu-workers'],
  '@opentelemetry': ['connectors/opentelemetry'],
  'csv-parse': ['connectors/files'],
  fastify: ['gateway', 'cli'],
  '@fastify/swagger': ['gateway'],
  '@sinclair/typebox': ['gateway', 'cli'],
  ajv: ['gateway', 'cli'],
  usearch: ['connectors/usearch'],
  'lru-cache': ['gateway'],
  avsc: ['schemas', 'connectors/embedded'],
  yargs: ['cli'],
  pino: ['cli'],
  picocolors: ['cli'],
  'cli-progress': ['cli'],
  'cli-table3': ['cli'],
  'log-update': ['cli'],
}
/** Folders whose files have each word of their name in what they export; elsewhere one word must be. */
const strict = ['operators', 'topologies', 'algorithms', 'core', 'ports', 'runtime', 'simulator']
/** What opens files, sockets and processes belongs outside the mathematics and the graphs. */
const pureFolders = ['core', 'schemas', 'ports', 'algorithms', 'operators', 'runtime', 'topologies', 'simulator', 'evaluation']

/** Notes that something is not done; put together here so that this file has none. */
const leftover = new RegExp(`\\b(${['TO', 'FIX', 'X'].map((start, at) => start + ['DO', 'ME', 'XX'][at]).join('|')})\\b`)

/** Calls that bring in the world, and who may make them. */
const calls: readonly { call: RegExp; may: (path: string) => boolean; instead: string }[] = [
  { call: /\bDate\.now\(|\bnew Date\(\)/, may: holdsTime, instead: 'take a Clock (ports/clock.ts)' },
  { call: /(?<![.\w])(setTimeout|setInterval)\(/, may: holdsTime, instead: 'take a Clock and use after()' },
  { call: /\bMath\.random\(/, may: holdsTime, instead: 'take a Random (core/random.ts)' },
  { call: /\bprocess\.env\b/, may: holdsTime, instead: 'take an option; cli reads the environment' },
  { call: /\bconsole\.\w+\(/, may: (path) => path.startsWith('cli/'), instead: 'use the Logger port' },
]

const files = projectFiles()
const sources = files
  .map(({ path }) => path)
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map(readSource)
const code = sources.filter(({ path }) => codeFolders.includes(folderOf(path)))

describe('tidy', () => {
  it('sees the sources', () => {
    for (const folder of codeFolders)
      expect(
        code.some(({ path }) => folderOf(path) === folder),
        folder,
      ).toBe(true)
  })

  it('imports our own folders as the table allows', () => {
    const wrong: string[] = []
    for (const { path, imports } of code) {
      for (const { ours, typeOnly } of imports) {
        if (!ours?.endsWith('.ts')) continue
        const from = folderOf(path)
        const to = folderOf(ours)
        if (to === from) {
          if (from === 'connectors' && systemOf(path) !== systemOf(ours))
            wrong.push(`${path} imports its sibling ${ours}: move what both need to core, schemas or ports`)
        } else if (from === 'cli' && (to === 'connectors' || to === 'gpu-workers')) {
          // What stands behind a port is joined with it in one place; file formats and metrics stand behind none.
          if (
            path !== 'cli/compose.ts' &&
            !typeOnly &&
            !['connectors/files', 'connectors/opentelemetry'].includes(systemOf(ours))
          )
            wrong.push(`${path} imports ${ours}: only cli/compose.ts joins ports and connectors`)
        } else if (!mayImport[from]!.includes(to) && !(typeOnly && mayImport[from]!.includes(`type ${to}`)))
          wrong.push(`${path} imports ${ours}: ${from} may import ${mayImport[from]!.join(', ') || 'nothing of ours'}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('imports outside packages only in their folders', () => {
    const wrong: string[] = []
    for (const { path, imports } of code) {
      for (const { from, ours, typeOnly } of imports) {
        if (ours !== null) continue
        const name = Object.keys(packageHomes).find((one) => from === one || from.startsWith(`${one}/`))
        if (from.startsWith('node:') && name === undefined) {
          if (pureFolders.includes(folderOf(path))) wrong.push(`${path} imports ${from}: hand in what it needs through a port`)
        } else if (name === undefined) wrong.push(`${path} imports ${from}: give the package a home in test/tidy.test.ts`)
        else if (!packageHomes[name]!.some((home) => path.startsWith(`${home}/`)) && !(typeOnly && name === 'rxjs'))
          wrong.push(`${path} imports ${from}: it belongs in ${packageHomes[name]!.join(', ')}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('takes time, chance, environment and console from outside', () => {
    const wrong = code.flatMap(({ path, code: text }) =>
      calls.flatMap(({ call, may, instead }) =>
        call.test(text) && !may(path) ? [`${path} has ${call.exec(text)![0]} … ${instead}`] : [],
      ),
    )
    expect(wrong).toEqual([])
  })

  it('has no barrel, default export or leftover note', () => {
    const wrong: string[] = []
    for (const { path, text, code: bare } of sources) {
      if (/^export (\*|\{[^}]*\}) from/m.test(text) && folderOf(path) !== 'ports')
        wrong.push(`${path} exports another file's names: import that file`)
      if (/^export default/m.test(bare) && path !== 'vitest.config.ts') wrong.push(`${path} has a default export: name it`)
      if (leftover.test(text)) wrong.push(`${path} has a leftover note: do it or open an issue`)
    }
    expect(wrong).toEqual([])
  })

  it('names files after what they export', () => {
    const wrong: string[] = []
    for (const { path, text } of code) {
      const name = basename(path, '.ts')
      if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) wrong.push(`${path}: write file names in kebab-case`)
      const values = [...text.matchAll(/^export (?:async )?(?:function\*?|class) (\w+)/gm)].map(([, value]) => value!)
      // With several functions the file is named after their subject, and that is for people to judge.
      const types = [...text.matchAll(/^export (?:interface|type|const) (\w+)/gm)].map(([, type]) => type!)
      if (types.some((type) => namedAfter(name, type, true))) continue
      if (values.length !== 1 || namedAfter(name, values[0]!, strict.includes(folderOf(path)))) continue
      wrong.push(`${path} exports ${values[0]}: name the file after it`)
    }
    expect(wrong).toEqual([])
  })

  it('has no file that nobody imports or runs', () => {
    const imported = new Set(sources.flatMap(({ imports }) => imports.flatMap(({ ours }) => (ours === null ? [] : [ours]))))
    const commands = files.filter(
      ({ path }) => /\.(json|js|py|yml|md)$|Dockerfile|^\.ci\//.test(path) && path !== 'package-lock.json',
    )
    const run = commands.map(({ path }) => readFileSync(join(root, path), 'utf8')).join('\n')
    const wrong = sources.filter(({ path, text }) => {
      if (path.endsWith('.test.ts') || path === 'vitest.config.ts' || imported.has(path)) return false
      if (text.startsWith('#!') || run.includes(path)) return false
      // Started by its name, as a process or by a loader of a whole folder.
      return !sources.some((other) => other.path !== path && other.text.includes(basename(path)))
    })
    expect(wrong.map(({ path }) => `${path} is imported by nobody: delete it or name it in package.json`)).toEqual([])
  })

  it('documents every operator with a diagram and five promises, and tests it', () => {
    const docs = operatorDocs(root)
    expect(docs.length).toBeGreaterThan(20)
    const tests = sources.filter(({ path }) => path.endsWith('.test.ts'))
    const wrong: string[] = []
    for (const { name, file, text, diagram, promises } of docs) {
      if (text === '') wrong.push(`${file}: say in one sentence what ${name} does`)
      if (!/^\w+ .*\|.*\nresult .*\|/m.test(diagram)) wrong.push(`${file}: draw ${name}, its sources over a line \`result\``)
      if (promises.map(([promise]) => promise).join() !== promiseNames.join())
        wrong.push(`${file}: ${name} promises ${promiseNames.join(', ')} in this order`)
      if (!tests.some((test) => reaches(test, file)))
        wrong.push(`${file}: test ${name} in test/operators or run its topology in test/topologies`)
    }
    expect(wrong).toEqual([])
  })

  it('pins every topology with a golden file', () => {
    const wrong = code
      .filter(({ path }) => folderOf(path) === 'topologies')
      .map(({ path }) => `test/golden/${basename(path, '.ts')}.txt`)
      .filter((golden) => !existsSync(join(root, golden)))
    expect(wrong.map((golden) => `${golden} is missing: add the topology to test/topologies/shape.test.ts`)).toEqual([])
  })

  it('documents every error code', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    const wrong = Object.keys(errorCodes).filter((one) => !page.includes(`\`${one}\``))
    expect(wrong.map((one) => `docs/errors.md lacks ${one}: run \`npm run docs\``)).toEqual([])
  })

  it('keeps large files in models/repository only', () => {
    const wrong = files.filter(({ path, sizeBytes }) => {
      return sizeBytes > 400_000 && !path.startsWith('models/repository/') && path !== 'package-lock.json'
    })
    expect(wrong.map(({ path, sizeBytes }) => `${path} has ${sizeBytes} bytes: make it when it is needed`)).toEqual([])
  })
})

function folderOf(path: string): string {
  return path.slice(0, path.indexOf('/'))
}

/** connectors/kafka/event-log.ts → connectors/kafka */
function systemOf(path: string): string {
  return path.split('/').slice(0, 2).join('/')
}

function holdsTime(path: string): boolean {
  return /^(connectors|cli)\//.test(path) || path === 'core/clock.ts' || path === 'gpu-workers/main.ts'
}

/** Whether the words of a file's name are in the export's name: `linear-ranker` fits linearRank, `event-log` KafkaEventLog. */
function namedAfter(file: string, exported: string, everyWord: boolean): boolean {
  const words = exported.split(/(?=[A-Z])/).map((word) => word.toLowerCase())
  const whole = exported.toLowerCase()
  const fits = (part: string) =>
    whole.includes(part) || words.some((word) => word.length > 2 && (part.startsWith(word) || word.startsWith(part)))
  return everyWord ? file.split('-').every(fits) : file.split('-').some(fits)
}

/** Whether a test runs an operator: by importing it, or by importing a topology that has it. */
function reaches(test: SourceFile, operator: string): boolean {
  if (test.path === 'test/topologies/shape.test.ts') return false
  const ours = test.imports.map((one) => one.ours)
  if (ours.includes(operator)) return true
  return sources.some(({ path, imports }) => {
    return folderOf(path) === 'topologies' && ours.includes(path) && imports.some((one) => one.ours === operator)
  })
}
