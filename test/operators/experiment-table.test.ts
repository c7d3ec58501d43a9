import { expect, it } from 'vitest'
import { ExperimentTable } from '../../operators/tables/experiment-table.ts'
import type { Experiment } from '../../schemas/experiment.ts'
import { changeFault, experimentFault, overlapFault } from '../../schemas/experiment-fault.ts'
import type { ExperimentStop } from '../../schemas/experiment-stop.ts'
import { experimentOf } from '../gateway/experiment-of.ts'

const at = (key: string, value: Experiment | null) => ({ key, value, offset: 0, loggedMs: 0 })
const stop = (experiment: string, revision: number) => ({
  key: experiment,
  value: { experiment, revision, variant: 'b', metric: 'conversion' } as ExperimentStop,
  offset: 0,
  loggedMs: 0,
})
const ids = (table: ExperimentTable) => table.running.map(({ id }) => id)

it('runs the configured experiment until somebody sets one, and again when all are removed', () => {
  const table = new ExperimentTable([experimentOf('configured')])
  expect(ids(table)).toEqual(['configured'])
  table.apply([at('x', experimentOf('x'))])
  expect(ids(table)).toEqual(['x'])
  table.apply([at('x', { ...experimentOf('x'), state: 'stopped' })])
  expect([ids(table), table.get('x')?.state, table.get('configured')]).toEqual([[], 'stopped', undefined])
  table.apply([at('x', null)])
  expect(ids(table)).toEqual(['configured'])
})

it('orders holdouts first, then by layer and id, and leaves out what is wrong or overlaps', () => {
  const table = new ExperimentTable()
  table.apply([
    at('b', experimentOf('b', { layer: 'l', layerTo: 0.5 })),
    at('c', experimentOf('c', { layer: 'l', layerFrom: 0.4 })),
    at('a', experimentOf('a', { layer: 'm' })),
    at('h', experimentOf('h', { layer: 'z', holdout: 'b' })),
    at('w', experimentOf('w', { coverage: 2 })),
  ])
  expect(ids(table)).toEqual(['h', 'b', 'a'])
  expect(table.faults.get('c')).toContain('overlaps b (0–0.5)')
  expect(table.faults.get('w')).toContain('field "coverage" is 2')
  expect(table.get('w')).toBeUndefined()
})

it('assigns nobody to what a guardrail stopped, whichever topic is read first, until it is created again', () => {
  for (const stopsFirst of [false, true]) {
    const table = new ExperimentTable()
    const define = () => table.apply([at('x', experimentOf('x', { revision: 2 })), at('y', experimentOf('y', { revision: 2 }))])
    const tell = () => table.stops.apply([stop('y', 1), stop('x', 2)])
    for (const step of stopsFirst ? [tell, define] : [define, tell]) step()
    expect(ids(table)).toEqual(['y'])
    expect(table.faults.get('x')).toBe('the guardrail conversion of b is broken')
    table.apply([at('x', experimentOf('x', { revision: 3 }))])
    expect([ids(table), table.stop('x')?.revision]).toEqual([['x', 'y'], 2])
    table.stops.apply([{ ...stop('x', 2), value: null }])
    expect(table.stop('x')).toBeUndefined()
  }
})

const plain = { name: 'a', weight: 1, policy: null, settings: null }
const own = { ...plain, name: 'b', settings: '{}' }

it.each<[Partial<Experiment>, string]>([
  [{ id: 'a b' }, 'field "id"'],
  [{ layer: '' }, 'field "layer"'],
  [{ layerFrom: 0.5, layerTo: 0.5 }, 'must rise within 0–1'],
  [{ alpha: 0.5 }, 'field "alpha" is 0.5'],
  [{ tunedFor: 0 }, 'field "tunedFor" is 0'],
  [{ fromMs: 2, toMs: 1 }, 'field "to" must be later'],
  [{ variants: [{ name: 'a', weight: 1, policy: null, settings: null }] }, 'field "variants" has 1'],
  [{ variants: [0, 0].map((weight, n) => ({ name: 'ab'[n]!, weight, policy: null, settings: null })) }, 'all weights are 0'],
  [{ variants: ['a', 'a'].map((name) => ({ name, weight: 1, policy: null, settings: null })) }, 'two have the same name'],
  [{ variants: ['a', 'b'].map((name) => ({ name, weight: -1, policy: null, settings: null })) }, 'field "weight" is -1'],
  [
    { variants: ['a', 'b'].map((name) => ({ name, weight: 1, policy: 'best' as never, settings: null })) },
    'there are learned, trend, imported:<name of imported lists>, or null',
  ],
  [{ variants: [plain, own], devices: ['mobile'] }, 'field "devices": lists are made before a request'],
  [{ variants: [plain, own], regions: ['north'] }, 'field "regions": lists are made before a request'],
  [{ variants: [{ ...plain, policy: 'trend' }, own] }, 'variant "a": field "policy" is "trend" beside "settings"'],
  [{ control: 'c' }, 'there is no variant "c"'],
  [{ holdout: 'c' }, 'field "holdout"'],
  [{ measures: [] }, 'field "measures" is empty'],
  [{ measures: [{ metric: 'joy' as never, lossMax: null }] }, 'there is no metric "joy"; there are click-through'],
  [{ measures: [{ metric: 'conversion', lossMax: 1 }] }, 'field "lossMax" must lie in 0–1'],
  [{ devices: ['watch' as never] }, 'there is no device "watch"'],
])('refuses %j', (fields, why) => {
  expect(experimentFault(experimentOf('x', fields))).toContain(why)
})

it('says what may not change, and what leaves room', () => {
  const one = experimentOf('x', { layer: 'l' })
  expect(experimentFault(one)).toBeNull()
  expect(changeFault(one, { ...one, coverage: 0.5, note: 'slower' })).toBeNull()
  expect(changeFault(one, { ...one, variants: [...one.variants].reverse() })).toContain('take another id')
  expect(changeFault(one, { ...one, hash: 'planout' })).toContain('take another id')
  expect(overlapFault(one, [one, { ...experimentOf('y', { layer: 'l' }), state: 'stopped' }])).toBeNull()
  expect(
    overlapFault(
      one,
      Array.from({ length: 50 }, (_, n) => experimentOf(`y${n}`)),
    ),
  ).toContain('stop some')
})
