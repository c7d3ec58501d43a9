import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import avro from 'avsc'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { loadConfig } from '../../../cli/config.ts'
import { readDeadLetters } from '../../../cli/dead-letter-log.ts'
import { freePort } from '../../../cli/services/free-port.ts'
import { startRegistry } from '../../../cli/services/registry-service.ts'
import type { Service } from '../../../cli/services/service.ts'
import { ConfluentSchemaRegistry } from '../../../connectors/registry/schema-registry.ts'
import { partitionFor } from '../../../core/partition-for.ts'
import type { OutgoingRecord } from '../../../ports/event-log.ts'
import { typeOptions } from '../../../schemas/record-schema.ts'
import { topics } from '../../../schemas/topics.ts'
import { WireFormat } from '../../../schemas/wire-format.ts'
import { waitUntil } from '../../conformance/wait-until.ts'
import { engineHere } from '../../e2e/engine-here.ts'
import { EngineProcess } from '../../e2e/engine-process.ts'
import { recordedShop } from '../../e2e/stack.ts'
import { describeWithServices } from '../require-service.ts'
import { FaultRig } from './fault-rig.ts'

const partitions = 2
const events = 3_000

// A registry of its own, because it is killed; its schemas lie on disk, so their ids survive.
describeWithServices(['kafka', 'registry', 'redis'], 'the schema registry is away', ([kafka, , redis]) => {
  const rig = new FaultRig()
  let service: Service
  let port: number

  const start = async () => {
    service = await startRegistry({ ...rig.serviceOptions('registry'), port })
    const [registry] = service.processes
    rig.closing(() => registry!.stop())
  }
  const kill = async () => {
    process.kill(service.processes[0]!.pid, 'SIGKILL')
    await service.processes[0]!.stop()
  }

  beforeAll(async () => {
    port = await freePort(0, 'registry')
    await start()
  })
  afterAll(() => rig.close())

  it('at the start: the process ends in time with exit code 3, and names the address and what to do', async () => {
    const url = `http://127.0.0.1:${await freePort(0, 'nothing')}/apis/ccompat/v7`
    const folder = join(rig.folder, 'start')
    mkdirSync(folder)
    const overrides = { stack: 'distributed', kafka: { brokers: [kafka] }, registry: { url }, redis: { url: redis } }
    const startMs = performance.now()
    const engine = new EngineProcess(loadConfig(undefined, overrides), folder)
    rig.closing(() => engine.child.exitCode === null && engine.kill())
    expect(await engine.exited, engine.output).toBe(3)
    console.info(`gave up after ${Math.round(performance.now() - startMs)} ms: ${engine.output.trim()}`)
    expect(engine.output).toContain('MILL_REGISTRY_UNAVAILABLE')
    expect(engine.output).toContain(url)
    expect(engine.output).toContain('registry.url')
    expect(engine.output).not.toMatch(/\n\s+at /)
    expect(performance.now() - startMs).toBeLessThan(30_000)
  })

  it('while running: known schemas go on, a new one waits without a dead letter, and goes on when the registry is back', async () => {
    const registry = new ConfluentSchemaRegistry({ urls: [service.address] })
    rig.closing(() => registry.close())
    const config = loadConfig(undefined, { partitions, embedded: { path: ':memory:' }, rewards: { waitMs: 60_000 } })
    await rig.open(config, events, { registry, wire: await WireFormat.open(registry, { patienceMs: 5_000 }) })
    const { stack } = rig
    const newer = await newerProducer(new ConfluentSchemaRegistry({ urls: [service.address] }))
    const { engine, failures } = engineHere(stack)
    rig.closing(() => engine.stop())
    await engine.start()
    await rig.feed(1_000)
    await stack.untilCaughtUp()

    await kill()
    rig.fault('registry killed -9')
    const before = await rig.applied()
    await rig.feed(500)
    await stack.untilCaughtUp()
    expect(await rig.applied()).toBeGreaterThan(before)

    const strange = newer.filter(({ partition }) => partition === 0)
    await stack.append(strange)
    const waiting = async () => (await engine.status()).find(({ name }) => name === 'user-features')!
    await waitUntil('the engine says that it waits', async () => (await waiting()).state === 'waiting')
    expect((await waiting()).reason).toContain(service.address)
    const stuck = (await stack.ports.state.progress({ topology: 'user-features', partition: 0 }))?.positions
    const other = (await stack.ports.state.progress({ topology: 'user-features', partition: 1 }))!.positions['user-events']!
    await rig.feed(500)
    await waitUntil('the other partition goes on', async () => {
      const progress = await stack.ports.state.progress({ topology: 'user-features', partition: 1 })
      return progress!.positions['user-events']! > other
    })
    expect((await stack.ports.state.progress({ topology: 'user-features', partition: 0 }))?.positions).toEqual(stuck)
    expect(await readDeadLetters(stack.ports, {})).toEqual([])

    await start()
    const startMs = performance.now()
    await stack.untilCaughtUp(30_000)
    console.info(
      `goes on ${Math.round(performance.now() - startMs)} ms after the registry is back, with ${strange.length} records of a new schema`,
    )
    expect(await readDeadLetters(stack.ports, {})).toEqual([])
    await waitUntil('all topologies say that they run', async () =>
      (await engine.status()).every(({ state }) => state === 'running'),
    )
    await engine.stop()
    expect(failures).toEqual([])
    await rig.verified('registry away')
  })
})

/** User events of another shop as a producer with a newer schema writes them: one more field, with a default. */
async function newerProducer(registry: ConfluentSchemaRegistry): Promise<OutgoingRecord[]> {
  const schema = JSON.parse(topics['user-events'].schema.text) as { fields: object[] }
  schema.fields.push({ name: 'campaign', type: ['null', 'string'], default: null })
  const id = await registry.register('user-events-value', JSON.stringify(schema))
  await registry.close()
  const type = avro.Type.forSchema(schema as avro.Schema, { ...typeOptions })
  const header = Buffer.alloc(5)
  header.writeUInt32BE(id, 1)
  return recordedShop({ events: 600, seed: 'newer' }).flatMap(({ topic, key, value }) => {
    if (topic !== 'user-events' || value === null) return []
    const bytes = Buffer.concat([header, type.toBuffer({ ...value, campaign: 'autumn' })])
    return [{ topic, key, partition: partitionFor(key, partitions), value: bytes }]
  })
}
