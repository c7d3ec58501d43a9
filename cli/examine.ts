import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { type TopicName, topics } from '../schemas/topics.ts'
import { type OpenPorts, openInference, openPorts } from './compose.ts'
import type { Config } from './config.ts'
import { openLogger } from './logger.ts'
import { probeService } from './services/probe-service.ts'
import { topologyNames } from './topologies.ts'

/** One thing that was looked at. */
export interface Finding {
  readonly check: string
  readonly ok: boolean
  /** What was found, and what to do where it is wrong. */
  readonly finding: string
}

/** Looks at everything an engine of this configuration needs; answers instead of throwing. */
export async function examine(config: Config): Promise<Finding[]> {
  const findings = [nodeVersion(), await port('gateway port', config.gateway), await port('admin port', config.admin)]
  if (config.stack === 'distributed') findings.push(...(await services(config)))
  else findings.push(embeddedFile(config))
  if (findings.every(({ ok, check }) => ok || check.endsWith('port'))) findings.push(...(await contents(config)))
  findings.push(await models(config))
  return findings
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const ok = major > 24 || (major === 24 && minor >= 12)
  return {
    check: 'node',
    ok,
    finding: ok ? process.versions.node : `${process.versions.node}; 24.12 or newer is needed: npm install`,
  }
}

async function port(check: string, { host, port }: { readonly host: string; readonly port: number }): Promise<Finding> {
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)))
  })
  if (error === null) return { check, ok: true, finding: `${host}:${port} is free` }
  if (error.code === 'EADDRINUSE' && (await isMillrace(`http://${host}:${port}/live`)))
    return { check, ok: true, finding: `${host}:${port} is served by a running engine` }
  return { check, ok: false, finding: `${host}:${port} cannot be used (${error.code}); choose another in the configuration` }
}

async function isMillrace(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    return ((await response.json()) as { status?: string }).status === 'live'
  } catch {
    return false
  }
}

async function services(config: Config): Promise<Finding[]> {
  const cluster = config.redis.url.startsWith('redis-cluster://')
  const redisAddress = cluster ? config.redis.url.slice('redis-cluster://'.length) : config.redis.url
  const asked = [
    ['kafka', config.kafka.brokers[0]!],
    ['registry', config.registry.url],
    [cluster ? 'redis-cluster' : 'redis', redisAddress],
    ...config.inference.workers.map((worker) => ['inference', worker]),
  ] as ['kafka' | 'registry' | 'redis' | 'redis-cluster' | 'inference', string][]
  return Promise.all(
    asked.map(async ([kind, address]) => {
      const ok = await probeService(kind, address).catch(() => false)
      return {
        check: kind,
        ok,
        finding: ok ? `${address} answers` : `${address} does not answer; millrace services up starts one`,
      }
    }),
  )
}

function embeddedFile(config: Config): Finding {
  const { path } = config.embedded
  const folder = dirname(path)
  const finding = existsSync(path)
    ? `${path} exists`
    : `${path} will be made${existsSync(folder) ? '' : ` with its folder ${folder}`}`
  return { check: 'embedded file', ok: true, finding }
}

/** What needs open ports: schemas, topics, progress. */
async function contents(config: Config): Promise<Finding[]> {
  let ports: OpenPorts
  try {
    ports = await openPorts(config)
  } catch (error) {
    return [{ check: 'schemas', ok: false, finding: (error as Error).message }]
  }
  try {
    return [
      // Opening registers every schema under BACKWARD compatibility.
      { check: 'schemas', ok: true, finding: `all ${Object.keys(topics).length} are registered and compatible` },
      await topicCounts(config, ports),
      await progress(ports),
    ]
  } catch (error) {
    return [{ check: 'log and store', ok: false, finding: (error as Error).message }]
  } finally {
    await ports.close()
  }
}

async function topicCounts(config: Config, { log }: OpenPorts): Promise<Finding> {
  const wrong: string[] = []
  let missing = 0
  for (const topic of Object.keys(topics) as TopicName[]) {
    const count = await log.partitions(topic)
    if (count === 0) missing++
    else if (count !== config.partitions) wrong.push(`${topic} has ${count}`)
  }
  const check = 'topics'
  if (wrong.length > 0)
    return { check, ok: false, finding: `${wrong.join(', ')}, the configuration says ${config.partitions} partitions` }
  return {
    check,
    ok: true,
    finding: missing === 0 ? `all have ${config.partitions} partitions` : `${missing} are missing; start makes them`,
  }
}

/** A store that is a read-only replica fails here too: reading progress needs the primary. */
async function progress({ state, log }: OpenPorts): Promise<Finding> {
  const lines: string[] = []
  let lost = ''
  for (const topology of topologyNames) {
    const tasks = await state.tasks(topology)
    if (tasks.length > 0) lines.push(`${topology} ${tasks.length}`)
    for (const partition of tasks) {
      const positions = (await state.progress({ topology, partition }))?.positions ?? {}
      for (const [topic, position] of Object.entries(positions)) {
        if (topic.includes('/') || (await log.partitions(topic)) <= partition) continue
        const { start, end } = (await log.offsets(topic))[partition]!
        if (position < start || position > end)
          lost ||= `${topology}.${partition} stands at ${position} of ${topic}, the log holds ${start}–${end}`
      }
    }
  }
  if (lost !== '') return { check: 'positions', ok: false, finding: `${lost}; millrace reset ${lost.split('.')[0]} folds anew` }
  return {
    check: 'positions',
    ok: true,
    finding: lines.length === 0 ? 'nothing ever ran' : `tasks with progress: ${lines.join(', ')}`,
  }
}

async function models(config: Config): Promise<Finding> {
  const inference = await openInference(config, systemClock, openLogger(config)).catch((error: unknown) => error as Error)
  if (inference instanceof Error) return { check: 'models', ok: false, finding: inference.message }
  try {
    const states = await inference.models()
    const broken = states.filter((model) => !model.ready)
    if (broken.length > 0)
      return { check: 'models', ok: false, finding: broken.map((model) => `${model.model}: ${model.reason}`).join('; ') }
    const finding =
      states.length === 0
        ? 'none: lists are made on the lower rungs'
        : states.map((model) => `${model.model} ${model.version}`).join(', ')
    return { check: 'models', ok: true, finding }
  } finally {
    await inference.close()
  }
}
