import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openPorts } from '../cli/compose.ts'
import { loadConfig } from '../cli/config.ts'
import { projectRoot } from '../cli/services/services.ts'
import { partitionFor } from '../core/partition-for.ts'
import { retrying } from '../core/retrying.ts'
import { Engine } from '../runtime/engine.ts'
import { recordShop } from '../simulator/record-shop.ts'
import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf, quantile } from './figure.ts'
import { topicPatience } from './open-stack.ts'

export const description =
  'cold start of the embedded default, and of a process that takes over 16 tasks, to its first ready answer'

const tasks = 16
const startMsMax = 120_000

/**
 * Processes from `spawn` to the first 200 of /ready, in turns with a Node.js process that only says that it runs. The 16 tasks are
 * those of `user-features` on real services, with state, left by a process that was stopped. Options: `--runs` (5), `--events` (5,000).
 */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const runs = options.number('runs', 5)
  const events = options.number('events', 5_000)
  const cold: number[] = []
  const bare: number[] = []
  for (let at = 0; at <= runs; at++) {
    const folder = join(options.folder, `cold-${at}`)
    mkdirSync(folder)
    const ms = await startedIn(folder, { MILLRACE_EMBEDDED_PATH: join(folder, 'embedded.db') })
    const bareMs = await bareStart()
    // The first run brings the files into the page cache.
    if (at > 0) {
      cold.push(ms)
      bare.push(bareMs)
    }
  }
  const environment = await filled(options, events)
  const taken: number[] = []
  for (let at = 0; at <= Math.min(runs, 3); at++) {
    const ms = await startedIn(options.folder, environment)
    if (at > 0) taken.push(ms)
  }
  const figure = (name: string, ms: readonly number[], goal: string) =>
    figureOf({ name, kind: 'latency', value: quantile(ms, 0.5), unit: 'ms', ceiling: quantile(bare, 0.5), goal })
  return [figure('embedded', cold, 'value <= 1500'), figure('take-over-of-16-tasks', taken, 'value <= 3000')]
}

/** Services with events in the log, all of them applied by a process that has left in good order; its environment. */
async function filled(options: BenchOptions, events: number): Promise<Record<string, string>> {
  const services = await options.services('kafka', 'registry', 'redis')
  const config = loadConfig(undefined, {
    stack: 'distributed',
    partitions: tasks,
    kafka: { brokers: [services.kafka] },
    registry: { url: services.registry },
    redis: { url: services.redis },
  })
  const ports = await openPorts(config)
  options.onEnd(() => ports.close())
  await retrying(ports.clock, () => Engine.ensureTopics(ports.log, tasks), topicPatience)
  const records = [...recordShop({ seed: 'start', events })].flatMap(({ topic, key, value }) =>
    topic === 'user-events' && value
      ? [{ topic, partition: partitionFor(key, tasks), key, value: ports.wire.encode(topic, value) }]
      : [],
  )
  for (let at = 0; at < records.length; at += 1_000) await ports.log.send(records.slice(at, at + 1_000))
  const environment = {
    MILLRACE_STACK: 'distributed',
    MILLRACE_PARTITIONS: String(tasks),
    MILLRACE_KAFKA_BROKERS: services.kafka,
    MILLRACE_REGISTRY_URL: services.registry,
    MILLRACE_REDIS_URL: services.redis,
    MILLRACE_TOPOLOGIES: 'user-features',
    MILLRACE_INFERENCE_REPOSITORY: join(options.folder, 'none'),
  }
  const applied = async () => {
    let count = 0
    for (let partition = 0; partition < tasks; partition++)
      count += (await ports.state.progress({ topology: 'user-features', partition }))?.positions['user-events'] ?? 0
    return count >= records.length
  }
  await startedIn(options.folder, environment, applied)
  return environment
}

/** Starts the main job and answers how long it took until it was ready; then, and after `holds`, it is stopped. */
async function startedIn(
  cwd: string,
  environment: Readonly<Record<string, string>>,
  holds: () => Promise<boolean> = async () => true,
): Promise<number> {
  const fromMs = performance.now()
  const flags = ['--no-simulate', '--no-view', '--set', 'gateway.port=0', '--set', 'admin.port=0']
  const child = spawn(process.execPath, [join(projectRoot, 'cli', 'main.ts'), 'start', ...flags], {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const gone = once(child, 'exit')
  try {
    let said = ''
    child.stderr.on('data', (text) => {
      said += text
    })
    const until = async (what: string, condition: () => boolean | Promise<boolean>) => {
      while (!(await condition())) {
        if (child.exitCode !== null || performance.now() - fromMs > startMsMax) throw new Error(`never ${what}:\n${said}`)
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
    }
    await until('listening', () => /gateway http\S+,/.test(said))
    const [, address] = /gateway (http[^,\s]+)/.exec(said)!
    await until('ready', async () => (await fetch(`${address}/ready`)).ok)
    const ms = performance.now() - fromMs
    await until('done', holds)
    return ms
  } finally {
    child.kill('SIGTERM')
    await gone
  }
}

/** The floor: a Node.js process that says that it runs. */
async function bareStart(): Promise<number> {
  const fromMs = performance.now()
  const child = spawn(process.execPath, ['-e', 'console.log("ready")'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const gone = once(child, 'exit')
  await once(child.stdout, 'data')
  const ms = performance.now() - fromMs
  await gone
  return ms
}
