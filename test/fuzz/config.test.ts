import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { type Config, configSchema, loadConfig } from '../../cli/config.ts'
import { MillraceError } from '../../core/errors.ts'
import { CliFolder } from '../cli/run-cli.ts'
import { byteChanges, mutated } from './byte-mutations.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'))
const file = join(folder, 'shop.json')
const cli = new CliFolder()
afterAll(() => Promise.all([rm(folder, { recursive: true, force: true }), cli.close()]))
afterEach(() => void vi.unstubAllEnvs())

/** Section and field of everything that can be set; sections of one value have no field. */
const places = Object.entries(configSchema.properties).flatMap(([section, schema]): readonly (readonly [string, string?])[] =>
  schema.type === 'object' ? Object.keys(schema.properties).map((field) => [section, field] as const) : [[section]],
)
const sound = loadConfig(undefined)

/** The configuration, or the message it was refused with, which names the file; anything else fails the test. */
function load(content: string | Buffer): Config | string {
  writeFileSync(file, content)
  try {
    return loadConfig(file)
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'MILL_CONFIG_INVALID') throw error
    expect(error.message).toContain(file)
    return error.message
  }
}

const strange = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown[]>(-1, 0, 0.5, 1e300, 2 ** 53, '', '8080', 'localhost', 'host:1', [], [''], ['a:1', 5], {}, null, true),
)

/** What a value may be read as: texts and truths as numbers where a number is meant, and back; null as nothing. */
function readings(value: unknown): readonly string[] {
  if (value === null) return ['0', '', 'false']
  const truth = value === 1 ? ['true'] : value === 0 ? ['false'] : []
  return [String(value), String(Number(value)), ...truth]
}

function valueAt(config: Config, [section, field]: readonly [string, string?]): unknown {
  const value = (config as Record<string, unknown>)[section]
  return field === undefined ? value : (value as Record<string, unknown>)[field]
}

describe('loadConfig', () => {
  it('a strange value is what was written, or refused by the name of its field with what it must be', () => {
    const told = { taken: 0, refused: 0 }
    fc.assert(
      fc.property(fc.constantFrom(...places), strange, (place, value) => {
        const [section, field] = place
        const result = load(JSON.stringify({ [section]: field === undefined ? value : { [field]: value } }))
        if (typeof result === 'string') {
          told.refused++
          expect(result).toContain(`"${place.join('.')}`)
          expect(result).toMatch(/ must .|did you mean/)
          expect(result).not.toContain('constant')
          expect(result).not.toContain('pattern')
        } else {
          told.taken++
          expect(readings(value)).toContain(String(valueAt(result, place)))
        }
      }),
      { numRuns: 300 },
    )
    expect(Math.min(told.taken, told.refused)).toBeGreaterThan(40)
  })

  it('an unknown name is refused, and the nearest known one is offered', () => {
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.string({ minLength: 1, maxLength: 8 }), ([section, field], extra) => {
        const name = `${field ?? section}${extra}`
        fc.pre(!places.some((place) => place.includes(name)))
        const result = load(JSON.stringify(field === undefined ? { [name]: 1 } : { [section]: { [name]: 1 } }))
        expect(result).toContain(field === undefined ? `"${name}"` : `"${section}.${name}"`)
        expect(result).toMatch(/did you mean "\w+"\?/)
      }),
      { numRuns: 80 },
    )
  })

  it('any JSON, mutated JSON and random bytes are taken or refused', () => {
    const good = Buffer.from(JSON.stringify({ ...sound, kafka: { ...sound.kafka, brokers: ['a:1', 'b:2'] } }))
    fc.assert(
      fc.property(fc.jsonValue(), byteChanges, fc.uint8Array({ maxLength: 40 }), (value, changes, bytes) => {
        load(JSON.stringify(value))
        load(mutated(good, changes))
        load(Buffer.from(bytes))
      }),
      { numRuns: 60 },
    )
  })

  it.each([
    ['null'],
    ['[]'],
    ['5'],
    ['"x"'],
    ['true'],
    ['[{"partitions":4}]'],
    [''],
    ['a byte order mark', '\ufeff{}'],
    ['a prototype', '{"__proto__":{"partitions":9}}'],
    ['100,000 brackets', '['.repeat(1e5)],
  ])('a file that holds no object of ours is refused: %s', (name, text = name) => {
    expect(load(text)).toMatch(/must be an object|is no JSON|unknown field/)
  })

  it('a wrong variable of the environment is refused by the name of its field', () => {
    const told = { taken: 0, refused: 0 }
    const text = fc.oneof(fc.string(), strange.map(String)).map((value) => value.replaceAll('\0', ''))
    fc.assert(
      fc.property(fc.constantFrom(...places), text, (place, value) => {
        vi.stubEnv(
          `MILLRACE_${place
            .join('_')
            .replace(/([A-Z])/g, '_$1')
            .toUpperCase()}`,
          value,
        )
        try {
          loadConfig(undefined)
          told.taken++
        } catch (error) {
          expect((error as MillraceError).code).toBe('MILL_CONFIG_INVALID')
          expect((error as Error).message).toContain(`"${place.join('.')}`)
          told.refused++
        }
        vi.unstubAllEnvs()
      }),
      { numRuns: 120 },
    )
    expect(Math.min(told.taken, told.refused)).toBeGreaterThan(20)
  })
})

it('the command ends with 2, and the message names field and fix', async () => {
  const cases: [string, string][] = [
    ['null', 'must be an object'],
    ['{"gateway":{"port":70000}}', '"gateway.port" must be <= 65535'],
    ['{"stack":"cloud"}', '"stack" must be one of embedded, distributed'],
    ['{"kafka":{"brokers":["localhost"]}}', '"kafka.brokers.0" must be host:port'],
    ['{"redis":{"urls":"x"}}', 'did you mean "url"'],
  ]
  const ended = await Promise.all(
    cases.map(([text], index) => {
      const path = join(folder, `case-${index}.json`)
      writeFileSync(path, text)
      return cli.run('start', '--config', path)
    }),
  )
  for (const [index, { code, stderr }] of ended.entries()) {
    expect(code, stderr).toBe(2)
    expect(stderr).toContain(`case-${index}.json`)
    expect(stderr).toContain(cases[index]![1])
  }
}, 60_000)
