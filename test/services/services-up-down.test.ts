import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../../cli/services/free-port.ts'
import { pidStart } from '../../cli/services/pid.ts'
import { redisCommand } from '../../cli/services/redis-service.ts'
import { startProcess } from '../../cli/services/service-process.ts'
import { startServices } from '../../cli/services/services.ts'
import { servicesDown, servicesStatus, servicesUp } from '../../cli/services/services-up.ts'
import { describeWithService } from './require-service.ts'

const log = () => {}

describeWithService('redis', 'services up, status, down', () => {
  let dir: string
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-up-'))
  })
  afterAll(async () => {
    await servicesDown({ dir, log })
    await rm(dir, { recursive: true, force: true })
  })
  const up = async (port: number) => await servicesUp({ kinds: ['redis'], dir, ports: { redis: port }, engine: 'native', log })

  it('leaves a service running, finds it again, keeps its data over down and up, and stops exactly it', async () => {
    const port = await freePort(0, 'redis')
    const first = await up(port)
    expect(first).toMatchObject({ engine: 'native', services: [{ kind: 'redis', running: true, answers: true }] })
    const pid = first.services[0]!.pids[0]!
    expect((await up(port)).services.map(({ pids }) => pids)).toEqual([[pid]]) // A second `up` starts nothing.
    await redisCommand(port, 'SET kept yes')
    expect(await servicesDown({ dir, log })).toEqual(['redis'])
    expect(pidStart(pid)).toBeNull()
    expect((await servicesStatus({ dir })).services).toEqual([])
    const again = await up(port)
    expect(again.services[0]!.pids[0]).not.toBe(pid)
    expect(await redisCommand(port, 'GET kept')).toContain('yes')
  })

  it('says when a service died, and starts it anew', async () => {
    const { pids, address } = (await servicesStatus({ dir })).services[0]!
    process.kill(pids[0]!, 'SIGKILL')
    await expect.poll(async () => (await servicesStatus({ dir })).services[0]).toMatchObject({ running: false, answers: false })
    const after = await up(Number(/:(\d+)$/.exec(address)![1]))
    expect(after.services).toMatchObject([{ address, running: true, answers: true }])
  })

  it('refuses a port that somebody else has, naming it, and leaves nothing behind', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as { port: number }
    const elsewhere = join(dir, 'elsewhere')
    const attempt = servicesUp({ kinds: ['redis'], dir: elsewhere, ports: { redis: port }, engine: 'native', log })
    await expect(attempt).rejects.toMatchObject({ code: 'MILL_SERVICE_START' })
    await expect(attempt).rejects.toThrow(`port ${port} is taken`)
    expect((await servicesStatus({ dir: elsewhere })).services).toEqual([])
    await new Promise((resolve) => other.close(resolve))
  })

  it('starts an inference worker and waits until its models are loaded', async () => {
    const services = await startServices({ kinds: ['inference'], dir, log })
    expect(services.addresses.inference).toMatch(/^127\.0\.0\.1:\d+$/)
    await services.stop()
  })
})

describe('startProcess', () => {
  const start = async (script: string, timeoutMs: number) => {
    const dir = await mkdtemp(join(tmpdir(), 'millrace-process-'))
    const logFile = join(dir, 'log')
    const ready = async () => false
    return await startProcess({
      name: 'thing',
      command: 'sh',
      args: ['-c', script],
      cwd: dir,
      logFile,
      detached: false,
      ready,
      timeoutMs,
    })
  }

  it('tells the last log lines of what ends early', async () => {
    const attempt = start('echo some words of its own; exit 3', 10_000)
    await expect(attempt).rejects.toMatchObject({ code: 'MILL_SERVICE_START' })
    await expect(attempt).rejects.toThrow(/ended with code 3(.|\n)*some words of its own/)
  })

  it('gives up on what never gets ready, within its limit, and ends it', async () => {
    const attempt = start('echo $$; exec sleep 60', 300)
    await expect(attempt).rejects.toThrow(/not ready within 300 ms/)
    const pid = Number(/\n(\d+)\s*$/.exec(((await attempt.catch((error: Error) => error)) as Error).message)![1])
    await expect.poll(() => pidStart(pid)).toBeNull()
  })
})
