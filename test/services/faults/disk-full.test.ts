import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../cli/config.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import { EngineProcess } from '../../e2e/engine-process.ts'
import { FaultRig } from './fault-rig.ts'

const diskSize = '96m'
const rig = new FaultRig()
const disk = join(rig.folder, 'disk')
const refusal = mountDisk()

/** A small file system in memory for the database alone; what mounting said where it is not allowed. */
function mountDisk(): string {
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskSize}`, 'tmpfs', disk], { stdio: 'pipe' })
    rig.closing(() => execFileSync('umount', ['-l', disk]))
    return ''
  } catch (error) {
    return String((error as { stderr?: unknown }).stderr ?? error).trim()
  }
}

/** Takes all that is left of the disk, to the last page, as another program might. */
function fillDisk(): void {
  const file = openSync(join(disk, 'ballast'), 'a')
  try {
    for (const size of [1 << 20, 1 << 12, 1]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(size))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(file)
  }
  rig.fault('disk filled')
}

const freeDisk = () => rmSync(join(disk, 'ballast'))

describe.skipIf(refusal !== '')(`the embedded stack on a full disk${refusal && ` (skipped: ${refusal})`}`, () => {
  beforeAll(async () => {
    const config = loadConfig(undefined, {
      partitions: 2,
      embedded: { path: join(disk, 'test.db') },
      rewards: { waitMs: 60_000 },
      recommendations: { shedAfterMs: 60_000 },
      inference: { repository: join(rig.folder, 'none') },
    })
    await rig.open(config, 12_000)
  })
  afterAll(() => rig.close())

  /** Waits until the engine has run out of space in the middle of its work. */
  const untilStuck = async (engine: EngineProcess) => {
    const before = await rig.applied()
    await rig.feed(2_500)
    await waitUntil('it works', async () => (await rig.applied()) > before, 60_000)
    fillDisk()
    await waitUntil('it says that it waits, and why', async () => {
      const { topologies } = await engine.status()
      return topologies.some(({ state, reason }) => state === 'waiting' && reason.includes('disk is full'))
    })
    expect(await rig.stack.caughtUp()).toBe(false)
    const { topologies } = await engine.status()
    expect(topologies.filter(({ state }) => state === 'failed')).toEqual([])
    expect(topologies.map(({ reason }) => reason).join()).toContain(disk)
  }

  it('full in the middle of the work: it says so and waits; the producer is told too; freed, it goes on by itself', async () => {
    const engine = await rig.startEngine()
    await untilStuck(engine)
    await expect(rig.feed(1)).rejects.toMatchObject({
      code: 'MILL_LOG_UNAVAILABLE',
      message: expect.stringContaining('the disk is full'),
    })
    freeDisk()
    const startMs = performance.now()
    await rig.stack.untilCaughtUp()
    console.info(`goes on by itself, caught up ${Math.round(performance.now() - startMs)} ms after space was freed`)
    await waitUntil('all run again', async () => (await engine.status()).ready)
    expect(await engine.stop(), engine.output).toBe(0)
    await rig.verified('disk full')
  })

  it('full, and killed meanwhile: started again with space, it ends with the fold of the log', async () => {
    const engine = await rig.startEngine()
    await untilStuck(engine)
    await engine.kill()
    rig.fault('engine killed -9 on the full disk')
    freeDisk()
    const again = await rig.startEngine()
    await rig.stack.untilCaughtUp()
    expect(await again.stop(), again.output).toBe(0)
    await rig.verified('disk full and killed')
  })

  it('started on a full disk it says so, and comes up by itself once there is space', async () => {
    await rig.feed(500)
    fillDisk()
    const engine = new EngineProcess(rig.stack.config, rig.folder)
    rig.closing(() => engine.child.exitCode === null && engine.kill())
    await waitUntil(
      'it says why it does not start',
      () => {
        expect(engine.child.exitCode, engine.output).toBeNull()
        return engine.output.includes('disk is full')
      },
      60_000,
    )
    freeDisk()
    await engine.ready()
    await rig.stack.untilCaughtUp()
    expect(await engine.stop(), engine.output).toBe(0)
    await rig.verified('started on a full disk')
  })
})
