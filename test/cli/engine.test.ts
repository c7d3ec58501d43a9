import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { CliFolder } from './run-cli.ts'

const folder = new CliFolder()
const anyPorts = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
afterAll(() => folder.close())

beforeAll(async () => {
  const small = ['--set', 'simulator.users=50', '--set', 'simulator.items=100']
  const { code, stdout, stderr } = await folder.run(
    'start',
    '--events',
    '300',
    '--report',
    'report.json',
    '--seed',
    '5',
    ...anyPorts,
    ...small,
  )
  expect({ code, stderr }, stdout).toMatchObject({ code: 0 })
}, 90_000)

it('start --events runs, sums up and writes its report', () => {
  const report = JSON.parse(readFileSync(join(folder.path, 'report.json'), 'utf8')) as Record<string, unknown>
  expect(report).toMatchObject({ stack: 'embedded', events: 300, deadLetters: 0 })
  expect(report['lists']).toBeGreaterThan(0)
})

it('verify finds the state of people equal to the fold of the log, and says so when it is not', async () => {
  expect(await folder.json('verify', '--against-log', '--topology', 'user-features')).toMatchObject({
    code: 0,
    value: { differences: 0, skipped: 0 },
  })
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(join(folder.path, 'test.db'))
  const { changes } = database
    .prepare(
      `DELETE FROM state WHERE id = (SELECT state.id FROM state JOIN tasks ON tasks.id = state.task
       WHERE topology = 'user-features' AND key LIKE 'user:%' LIMIT 1)`,
    )
    .run()
  database.close()
  expect(changes).toBe(1)
  expect(await folder.json('verify', '--topology', 'user-features')).toMatchObject({ code: 1, value: { differences: 1 } })
})

it('state get decodes what is held under a key', async () => {
  const { code, value } = await folder.json('state', 'get', 'item-features', 'i1')
  expect(code).toBe(0)
  expect(value).toMatchObject({ topology: 'item-features', key: 'i1', state: { item: expect.any(Object) } })
  expect(await folder.json('state', 'get', 'user-features', 'nobody')).toMatchObject({ code: 1, value: null })
})

it('reset is a dry run first, then needs a reason, then forgets', async () => {
  const dry = await folder.json('reset', 'rewards')
  expect(dry).toMatchObject({ code: 0, value: { executed: false, tasks: [{ partition: 0 }, {}, {}, {}] } })
  expect((await folder.run('reset', 'rewards', '--execute')).code).toBe(4)
  expect((await folder.json('reset', 'rewards')).value).toEqual(dry.value)
  expect(await folder.json('reset', 'rewards', '--execute', '--reason', 'test')).toMatchObject({
    code: 0,
    value: { executed: true },
  })
  const after = (await folder.json('reset', 'rewards')).value as { tasks: { positions: object; epoch: number }[] }
  for (const { positions } of after.tasks) expect(positions).toEqual({})
  expect(readFileSync(join(folder.path, 'audit.jsonl'), 'utf8')).toContain('"reason":"test"')
})

it('a running engine is shown, paused, resumed and drained, guards its topologies, and Ctrl-C ends it with 0', {
  timeout: 90_000,
}, async () => {
  const engine = folder.start('start', '--no-simulate', '--no-view', ...anyPorts)
  const [, admin] = await engine.says(/admin http:\/\/([\d.:]+)/)
  const at = ['--address', admin!]
  expect(await folder.json('status', ...at)).toMatchObject({ code: 0, value: { ready: true } })
  expect((await folder.run('status', '--tasks', ...at)).stdout).toMatch(/user-features +0 /)
  expect(await folder.json('pause', 'bandit', ...at)).toMatchObject({ code: 0, value: { name: 'bandit', state: 'paused' } })
  expect(await folder.json('resume', 'bandit', ...at)).toMatchObject({ code: 0, value: { state: 'running' } })
  expect((await folder.run('pause', 'nothing', ...at)).code).toBe(1)
  const guarded = await folder.run('reset', 'bandit', '--execute', '--reason', 'test', ...at)
  expect(guarded).toMatchObject({ code: 4, stderr: expect.stringContaining('--force') })
  expect(await folder.json('drain', 'bandit', ...at)).toMatchObject({ code: 0, value: { state: 'stopped' } })
  expect((await folder.run('reset', 'bandit', '--execute', '--reason', 'test', ...at)).code).toBe(0)
  engine.child.kill('SIGINT')
  expect((await engine.ended).code).toBe(0)
})

it('a port that is taken is refused by the name of its setting', { timeout: 60_000 }, async () => {
  const holder = createServer().listen(0, '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as AddressInfo
  const refused = await folder.run(
    'start',
    '--no-simulate',
    '--no-view',
    '--set',
    `gateway.port=${port}`,
    '--set',
    'admin.port=0',
  )
  holder.close()
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--set gateway.port=0') })
})

it('doctor finds everything in order, and a topic with another partition count', async () => {
  const free = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
  expect(await folder.json('doctor', ...free)).toMatchObject({ code: 0, value: { ok: true } })
  const wrong = await folder.json('doctor', ...free, '--set', 'partitions=8')
  expect(wrong).toMatchObject({ code: 1, value: { ok: false } })
  expect(JSON.stringify(wrong.value)).toContain('has 4')
})

it('models ls says that there are none, services status that nothing runs', async () => {
  expect(await folder.json('models', 'ls', '--set', 'inference.repository=nowhere')).toMatchObject({ code: 1, value: [] })
  expect(await folder.run('models', 'load', 'ranker', '--set', 'inference.workers=127.0.0.1:1')).toMatchObject({ code: 3 })
  expect(await folder.json('services', 'status', '--dir', 'none')).toMatchObject({ code: 1, value: { services: [] } })
})

it('a request that never ends does not keep the process: it ends with 3 after its limit', { timeout: 60_000 }, async () => {
  const engine = folder.start('start', '--no-simulate', '--no-view', ...anyPorts, '--set', 'stopLimitMs=1000')
  const [, host, port] = await engine.says(/gateway http:\/\/([\d.]+):(\d+)/)
  const client = connect(Number(port), host)
  client.on('error', () => {}) // Reset in the end.
  client.write('POST /v1/events HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 9\r\n')
  client.write('expect: 100-continue\r\n\r\n')
  await once(client, 'data') // The server waits for the body now.
  engine.child.kill('SIGTERM')
  expect(await engine.ended).toMatchObject({ code: 3, stderr: expect.stringContaining('stopLimitMs') })
})
