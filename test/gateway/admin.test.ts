import { expect, it } from 'vitest'
import { MillraceError } from '../../core/errors.ts'
import { createAdmin } from '../../gateway/create-admin.ts'
import type { EngineControl, TopologyStatus } from '../../ports/engine-control.ts'
import { silentLogger } from '../../ports/logger.ts'

/** The smallest engine: states move as an operator asks. */
function engineOf(...names: string[]): EngineControl {
  const states = new Map<string, TopologyStatus['state']>(names.map((name) => [name, 'running']))
  const move = (state: TopologyStatus['state']) => async (name: string) => {
    if (!states.has(name)) throw new MillraceError('MILL_NOT_FOUND', name)
    states.set(name, state)
  }
  const zero = { reason: '', records: 0, batches: 0, deadLetters: 0, late: 0, rebalances: 0, fenced: 0, tasks: [] }
  return {
    status: async () => [...states].map(([name, state]) => ({ name, state, ...zero })),
    pause: move('paused'),
    resume: move('running'),
    drain: move('stopped'),
    ready: () => true,
  }
}

it('lists, pauses, resumes and drains topologies', async () => {
  const app = await createAdmin({ control: engineOf('bandit', 'rewards'), logger: silentLogger, version: '0' })
  const all = await app.inject({ method: 'GET', url: '/admin/topologies' })
  expect(all.json()).toMatchObject({ ready: true, topologies: [{ name: 'bandit', state: 'running' }, { name: 'rewards' }] })
  for (const [action, state] of [
    ['pause', 'paused'],
    ['resume', 'running'],
    ['drain', 'stopped'],
  ]) {
    const answer = await app.inject({ method: 'POST', url: `/admin/topologies/bandit/${action}` })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ name: 'bandit', state })
  }
  expect((await app.inject({ method: 'POST', url: '/admin/topologies/none/pause' })).statusCode).toBe(404)
  expect((await app.inject({ method: 'POST', url: '/admin/topologies/bandit/explode' })).statusCode).toBe(404)
  expect((await app.inject({ method: 'GET', url: '/admin/topologies/bandit/pause' })).statusCode).toBe(405)
  await app.close()
})
