import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Batch, Sourced } from '../../ports/batch.ts'
import { defineTopology, type TopologyScope } from '../../runtime/define-topology.ts'
import type { Erasure } from '../../schemas/erasure.ts'

const pass = map((batch: Batch<Sourced<Erasure>>) => batch)
const graphOf = (build: (scope: TopologyScope<object>) => void) => () => defineTopology<object>('mine', build).graph({})

describe('defineTopology', () => {
  it.each<[string, (scope: TopologyScope<object>) => void, string, RegExp]>([
    [
      'two steps of one name',
      ({ source }) => source('erasures').step('a', pass).step('a', pass).sink('erasures'),
      'MILL_STEP_NAME_TAKEN',
      /two nodes named "a"; rename one/,
    ],
    [
      'a topic read twice',
      ({ source }) => {
        source('erasures').sink('erasures')
        source('erasures').sink('erasures')
      },
      'MILL_STEP_NAME_TAKEN',
      /"erasures"/,
    ],
    [
      'an unknown topic',
      ({ source }) => source('nowhere' as 'erasures').sink('erasures'),
      'MILL_TOPOLOGY_INVALID',
      /"nowhere"; topics/,
    ],
    ['an unknown table', ({ table }) => table('nowhere' as 'items', {} as never), 'MILL_TOPOLOGY_INVALID', /"nowhere"/],
    [
      'a step that leads nowhere',
      ({ source }) => void source('erasures').step('a', pass),
      'MILL_TOPOLOGY_INVALID',
      /nothing reads "a"/,
    ],
    ['a source that leads nowhere', ({ source }) => void source('erasures'), 'MILL_TOPOLOGY_INVALID', /nothing reads "erasures"/],
    ['nothing at all', () => {}, 'MILL_TOPOLOGY_INVALID', /no source that ends in a sink/],
    [
      'a merge of nothing',
      ({ merge }) => merge<Sourced<Erasure>>('m').sink('erasures'),
      'MILL_TOPOLOGY_INVALID',
      /no source that ends in a sink/,
    ],
  ])('refuses %s, naming topology and node', (_name, build, code, message) => {
    expect(graphOf(build)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
    expect(graphOf(build)).toThrow(/mine/)
  })

  it('builds a new graph each time: what an operator holds is a task’s own', () => {
    const topology = defineTopology<object>('mine', ({ source }) => source('erasures').step('a', pass).sink('erasures'))
    expect(topology.graph({})).not.toBe(topology.graph({}))
    expect(topology.graph({}).nodes.map(({ id }) => id)).toEqual(['erasures', 'a', 'to erasures'])
  })
})
