import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../cli/config.ts'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { LogCleaner } from '../../connectors/embedded/log-cleaner.ts'
import { LogStorage } from '../../connectors/embedded/log-storage.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { waitUntil } from '../conformance/wait-until.ts'
import { engineHere } from './engine-here.ts'
import { EngineProcess } from './engine-process.ts'
import { applyAll } from './moved-state.ts'
import { commandProcess } from './repartition-process.ts'
import { recordedShop, Stack } from './stack.ts'

const dayMs = 86_400_000
const folder = mkdtempSync(join(tmpdir(), 'millrace-lost-'))
let stack: Stack
let event: OutgoingRecord

beforeAll(async () => {
  const config = loadConfig(undefined, {
    partitions: 1,
    embedded: { path: join(folder, 'test.db') },
    inference: { repository: join(folder, 'none') },
  })
  stack = await Stack.open(config)
  const records = recordedShop({ events: 300 })
  event = stack.encoded(records.find(({ topic }) => topic === 'user-events')!)
  await applyAll(stack, records)
})
afterAll(async () => {
  await stack?.close()
  rmSync(folder, { recursive: true, force: true })
})

it('a reader that the cleaner has overtaken while it was paused is refused, and reads nothing that came after', async () => {
  const position = await positionOf()
  const { engine, failures } = engineHere(stack)
  await engine.start()
  await engine.pause('user-features')
  await stack.append([event, event, event])
  expire()
  await stack.append([event])
  await engine.resume('user-features')
  const lost = () => failures.find((error) => String(error).includes(' user-features:'))
  await waitUntil('it is refused', () => lost() !== undefined)
  expect(lost()).toMatchObject({
    code: 'MILL_POSITION_LOST',
    message: expect.stringMatching(
      /^user-features: the log of user-events\/0 holds offsets from \d+ on, the stored position is \d+: retention dropped 3 .*"millrace reset user-features --execute --force/,
    ),
    details: { topic: 'user-events', partition: 0, position, start: position + 3 },
  })
  expect(await positionOf()).toBe(position)
  await engine.stop()
})

it('a start is refused with exit code 2 and the command that mends it; that command mends it', { timeout: 60_000 }, async () => {
  const started = new EngineProcess(stack.config, folder)
  await waitUntil('it has ended', () => started.child.exitCode !== null, 40_000).catch(() => started.kill())
  expect(started.child.exitCode, started.output).toBe(2)
  expect(started.output).toContain('retention dropped 3 that were never applied')
  const refused = await commandProcess(stack.config, ['reset', 'user-features'], folder)
  expect(refused).toMatchObject({ code: 4, output: expect.stringContaining('no longer holds the beginning') })
  for (const topology of ['user-features', 'rewards', 'attribution']) {
    const reset = await commandProcess(stack.config, ['reset', topology, '--force'], folder)
    expect(reset.code, reset.output).toBe(0)
  }
  await applyAll(stack, [])
  expect(await positionOf()).toBe((await stack.ports.log.offsets('user-events'))[0]!.end)
})

async function positionOf(): Promise<number> {
  return (await stack.ports.state.progress({ topology: 'user-features', partition: 0 }))!.positions['user-events']!
}

/** Lets the cleaner of another process run as if a week had passed. */
function expire(): void {
  const database = openEmbeddedDatabase(stack.config.embedded.path)
  const cleaner = new LogCleaner(new LogStorage(database))
  while (cleaner.clean(Date.now() + 8 * dayMs, 10_000) > 0);
  database.close()
}
