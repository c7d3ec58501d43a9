import { afterAll, expect, it } from 'vitest'
import { CliFolder } from '../cli/run-cli.ts'
import { statefulTopologies } from './stack.ts'

const folder = new CliFolder()
afterAll(() => folder.close())

it('after a run of the shop that clicks on the lists it gets, all state is the fold of the log', {
  timeout: 120_000,
}, async () => {
  const small = ['--set', 'simulator.users=200', '--set', 'simulator.items=200', '--set', 'rewards.waitMs=10000']
  const ports = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
  const { code, stderr } = await folder.run('start', '--events', '2000', ...small, ...ports)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const verified = await folder.json('verify', '--against-log', ...small)
  expect(verified).toMatchObject({ code: 0, value: { differences: 0, skipped: 0 } })
  const { tasks, records } = verified.value as { tasks: { topology: string; keys: number }[]; records: number }
  for (const name of statefulTopologies)
    expect(
      // Each experiment is one key; elsewhere one key may be the time alone.
      tasks.filter(({ topology, keys }) => topology === name && keys > (name === 'experiments' ? 0 : 1)),
      name,
    ).not.toEqual([])
  console.info(`closed loop: ${records} records folded, 0 differences`)
})
