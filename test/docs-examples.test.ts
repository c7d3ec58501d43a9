import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CandidateSet } from '../algorithms/candidate-set.ts'
import { Catalogue } from '../algorithms/catalogue.ts'
import { priceyPeople } from '../docs/examples/pricey-people.ts'
import { samePrice } from '../docs/examples/same-price.ts'
import { TopologyDriver } from '../runtime/topology-driver.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import { CliFolder, projectFolder } from './cli/run-cli.ts'

const pages = [
  'README.md',
  ...readdirSync(join(projectFolder, 'docs')).flatMap((name) => (name.endsWith('.md') ? [`docs/${name}`] : [])),
]
const text = pages.map((page) => readFileSync(join(projectFolder, page), 'utf8')).join('\n')

/** Every `npx millrace …` of the pages, without output and comments. */
const commands = [...new Set([...text.matchAll(/npx millrace ([^`\n#]+)/g)].map((match) => match[1]!.trim()))]

/** Commands that need nothing but the embedded file that `start` has filled. */
const runnable = /^(topologies|verify|state get|lists get|dead-letters ls|reset [a-z-]+$|models ls)/

describe('commands in README and docs', () => {
  const folder = new CliFolder()
  beforeAll(async () => {
    const { code, stderr } = await folder.run(
      'start',
      '--events',
      '300',
      '--no-view',
      '--set',
      'gateway.port=0',
      '--set',
      'admin.port=0',
    )
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  }, 120_000)
  afterAll(() => folder.close())

  it('finds some', () => expect(commands.length).toBeGreaterThan(10))

  for (const command of commands) {
    const words = command.split(/\s+/)
    if (runnable.test(command) && !words.includes('--config')) {
      it(`runs: ${command}`, async () => {
        const { code, stderr } = await folder.run(...words.map((word) => (word === 'u1' ? 'u1' : word)))
        // 1 is an answer: nobody of that id was seen, or there is no such list.
        expect([0, 1], `${command}: ${stderr}`).toContain(code)
      }, 60_000)
    } else {
      it(`knows: ${command}`, async () => {
        const names = words.slice(
          0,
          words.findIndex((word) => word.startsWith('-')) < 0
            ? 2
            : Math.min(
                2,
                words.findIndex((word) => word.startsWith('-')),
              ),
        )
        const help = await folder.run(...names, '--help')
        expect(help.code, help.stderr).toBe(0)
        for (const flag of words.filter((word) => word.startsWith('--')))
          expect(help.stdout, command).toContain(flag.replace('--no-', '--'))
      }, 60_000)
    }
  }

  it('every npm script that is named exists', () => {
    const { scripts } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const named = [...text.matchAll(/npm (?:run )?(start|test|docs|check)\b/g)].map((match) => match[1]!)
    expect(named.length).toBeGreaterThan(2)
    for (const name of named) expect(Object.keys(scripts)).toContain(name)
  })
})

describe('examples in docs/extending.md', () => {
  it('the operator and the topology: only what costs enough alerts', async () => {
    const driver = new TopologyDriver(priceyPeople, { pricey: { priceMin: 100 } })
    await driver.send('user-events', event('a', 20), event('b', 120))
    expect(driver.read('alerts').map(({ name, value }) => [name, value])).toEqual([['pricey b', 120]])
    expect(priceyPeople.describe()).toContain('step    pricey  <- user-events')
  })

  it('the candidate source: what costs about the same', () => {
    const catalogue = new Catalogue()
    for (const [itemId, price] of [
      ['seed', 100],
      ['near', 95],
      ['far', 300],
    ] as const) {
      const row = catalogue.rowOf(itemId)
      catalogue.set(row, {
        withdrawn: false,
        stock: -1,
        price,
        margin: 0,
        createdMs: 0,
        popularity: 0,
        trend: 0,
        purchaseRate: 0,
        category: [],
        brand: null,
      })
    }
    const set = new CandidateSet(10)
    const nobody = new Int32Array(0)
    const user = {
      personKey: 0,
      nowMs: 0,
      recentRows: Int32Array.of(0),
      recentStrengths: Float32Array.of(1),
      sessionRows: nobody,
      basketRows: nobody,
      categories: [],
      region: null,
      groups: [],
      moments: [],
      vector: null,
      next: null,
    }
    samePrice(catalogue).retrieve(user, set, 5)
    expect([...set.rows.subarray(0, set.count)].map((row) => catalogue.items.text(row))).toEqual(['near'])
  })
})

function event(userId: string, price: number): UserEvent {
  const nothing = {
    sessionId: null,
    listId: null,
    position: null,
    rating: null,
    quantity: null,
    query: null,
    region: null,
    timeZone: null,
  }
  return {
    ...nothing,
    eventId: `${userId}-1`,
    userId,
    itemId: 'i1',
    type: 'view',
    timeMs: 1_700_000_000_000,
    price,
    device: 'unknown',
    category: [],
    brand: null,
  }
}
