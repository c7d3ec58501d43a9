import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Config, loadConfig } from '../../cli/config.ts'
import { layoutTask, readLayout } from '../../runtime/state-layout.ts'
import type { ShopRecord } from '../../simulator/record-shop.ts'
import { engineHere } from './engine-here.ts'
import { applyAll, decodedState, differences, epochs, move, rehomed, revenueIn, withPartitions } from './moved-state.ts'
import { repartitionKilled } from './repartition-process.ts'
import { recordedShop, Stack, statefulTopologies } from './stack.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-repartition-'))
const stacks: Stack[] = []
let records: readonly ShopRecord[]
let before: Map<string, unknown>

// A file with a log that is half applied on 2 partitions is made once; every test moves a copy of it.
beforeAll(async () => {
  records = recordedShop({ events: 1_600, lateShare: 0 })
  const prepared = await Stack.open(configOf('prepared', 2))
  await applyAll(prepared, records.slice(0, records.length / 2))
  before = await decodedState(prepared)
  await prepared.close()
}, 60_000)
afterAll(async () => {
  for (const stack of stacks) await stack.close()
  rmSync(folder, { recursive: true, force: true })
})

it('moves every key and every timer to its partition, and the engine goes on as if there had always been so many', {
  timeout: 60_000,
}, async () => {
  const old = await copyOf('moved')
  for (let restart = 0; restart < 5; restart++)
    for (const partition of [0, 1])
      for (const topology of statefulTopologies) await old.ports.state.openTask({ topology, partition })
  const olds = await epochs(old)
  const moved = await move(old, 6)
  const stack = keep(await withPartitions(old, 6))
  const after = await decodedState(stack)
  expect(moved).toBeGreaterThan(before.size / 3)
  expect(differences(after, rehomed(before, 6))).toEqual([])
  const young = (await epochs(stack)).filter(({ partition }) => partition >= 2)
  expect(young.length).toBeGreaterThanOrEqual(4 * 4)
  for (const { topology, partition, epoch } of young) {
    const parent = olds.find((task) => task.topology === topology && task.partition === partition % 2)!
    expect(epoch, 'lists of a new task must replace those that the old one wrote').toBeGreaterThan(parent.epoch)
  }
  await applyAll(stack, records.slice(records.length / 2))

  const always = keep(await Stack.open(configOf('always', 6)))
  await applyAll(always, records)
  const [a, b] = [await decodedState(stack), await decodedState(always)]
  expect(b.size).toBeGreaterThan(before.size)
  expect(differences(a, b)).toEqual([])
  const revenue = await revenueIn(always)
  expect(await revenueIn(stack)).toEqual(revenue)
  expect(revenue.orders).toBeGreaterThan(5)
  expect((await stack.verify('rewards')).wrong.join()).toContain('from before its state was moved')
})

it('cut off before every single step in turn and repeated, it ends the same, and no engine starts meanwhile', {
  timeout: 120_000,
}, async () => {
  const stack = await copyOf('cut')
  const seen = new Set<string>()
  let refusals = 0
  for (let cut = true; cut; ) {
    cut = false
    const dieAtNewStep = (step: string) => {
      if (seen.has(step)) return
      seen.add(step)
      cut = true
      throw new Error(`cut before ${step}`)
    }
    await move(stack, 4, dieAtNewStep).catch((error: Error) => {
      if (!error.message.startsWith('cut before')) throw error
    })
    if (cut && seen.size % 8 === 0 && (await readLayout(stack.ports.state)).move) {
      refusals++
      const { engine } = engineHere(stack)
      await expect(engine.start()).rejects.toThrow('millrace repartition --partitions 4 --execute')
    }
  }
  expect(seen.size).toBeGreaterThan(40)
  expect(refusals).toBeGreaterThan(3)
  expect(differences(await decodedState(stack), rehomed(before, 4))).toEqual([])
})

it('killed again and again, the command ends with the same state', { timeout: 90_000 }, async () => {
  const config = configOf('killed', 2)
  copyFileSync(join(folder, 'prepared.db'), config.embedded.path)
  const kills = await repartitionKilled(config, 4, folder)
  console.info(`killed ${kills} times`)
  expect(kills).toBeGreaterThan(2)
  const stack = keep(await Stack.open({ ...config, partitions: 4 }))
  expect(differences(await decodedState(stack), rehomed(before, 4))).toEqual([])
})

it('whoever still has a task, or another run of the command, is fenced before anything moves', async () => {
  const stack = await copyOf('fenced')
  const { state } = stack.ports
  const task = { topology: 'user-features', partition: 0 }
  const { epoch, positions } = await state.openTask(task)
  let owner: string | undefined
  const first = move(stack, 4, (step) => {
    if (step !== 'raised') return
    void state
      .commit(task, { epoch, from: positions, to: positions, writes: new Map(), ttlS: 0 })
      .then(({ kind }) => (owner = kind))
    void state.openTask(layoutTask)
  })
  await expect(first).rejects.toMatchObject({ code: 'MILL_FENCED' })
  expect(owner).toBe('fenced')
  await move(stack, 4)
  expect(differences(await decodedState(stack), rehomed(before, 4))).toEqual([])
})

it('refuses what it cannot move, and says what to do', async () => {
  const stack = await copyOf('refused')
  await expect(move(stack, 3)).rejects.toThrow('not a multiple of the present 2 partitions; possible are 4, 6, 8')
  await expect(move(stack, 1)).rejects.toThrow('cannot be taken away')
  await expect(move(stack, 2)).rejects.toThrow('belongs to 2 partitions already')
  const [next] = records.slice(records.length / 2).filter(({ topic }) => topic === 'user-events')
  await stack.append([stack.encoded(next!)])
  await expect(move(stack, 4)).rejects.toThrow(/user-features has still to apply 1 records of user-events\/\d .*lag 0/)
  expect(await stack.ports.log.partitions('user-events')).toBe(2)
})

it('an engine with another count than its state is refused', async () => {
  const stack = await copyOf('changed')
  const { engine } = engineHere(keep(await Stack.open(stack.config)))
  await engine.start()
  await engine.stop()
  await expect(engineHere(await other(stack, 4)).engine.start()).rejects.toMatchObject({
    code: 'MILL_PARTITIONS_CHANGED',
    message: expect.stringMatching(/belongs to 2 partitions, .*configuration says 4.*millrace repartition --partitions 4/),
  })
  await stack.ports.log.addPartitions('user-events', 4)
  await expect(engineHere(stack).engine.start()).rejects.toMatchObject({
    code: 'MILL_PARTITIONS_CHANGED',
    message: expect.stringMatching(/belongs to 2 partitions, .*user-events has 4.*millrace repartition --partitions 4/),
  })
  await move(stack, 4) // Raised by hand, it can still be moved.
  expect(differences(await decodedState(stack), rehomed(before, 4))).toEqual([])
})

it('what somebody placed by the old count meanwhile goes where it belongs, once', async () => {
  const old = await copyOf('strays')
  const half = records.slice(records.length / 2)
  const sent = half.slice(0, 300)
  let late: Promise<number> | undefined
  let resend = true
  const run = () =>
    move(old, 4, (step) => {
      if (step === 'raised' && !late) {
        late = old.append(sent.map((record) => old.encoded(record)))
        throw new Error('cut')
      }
      if (step === 'copy user-features.2' && resend) {
        resend = false
        throw new Error('cut')
      }
    })
  await expect(run()).rejects.toThrow('cut')
  await late
  await expect(run()).rejects.toThrow('cut')
  await run()
  const stack = keep(await withPartitions(old, 4))
  await applyAll(stack, half.slice(300))
  const always = keep(await Stack.open(configOf('always-4', 4)))
  await applyAll(always, records)
  expect(differences(await decodedState(stack), await decodedState(always))).toEqual([])
})

function configOf(name: string, partitions: number): Config {
  return loadConfig(undefined, {
    partitions,
    embedded: { path: join(folder, `${name}.db`) },
    rewards: { waitMs: 60_000 },
    inference: { repository: join(folder, 'none') },
  })
}

async function copyOf(name: string): Promise<Stack> {
  const config = configOf(name, 2)
  copyFileSync(join(folder, 'prepared.db'), config.embedded.path)
  return keep(await Stack.open(config))
}

/** The same file under a configuration with another count; its topics stay as they are. */
async function other(stack: Stack, partitions: number): Promise<Stack> {
  const config = { ...stack.config, partitions }
  return Object.assign(Object.create(Stack.prototype) as Stack, { config, ports: stack.ports })
}

function keep(stack: Stack): Stack {
  stacks.push(stack)
  return stack
}
