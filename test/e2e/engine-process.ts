import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { AdminClient, type EngineStatus } from '../../cli/admin-client.ts'
import type { Config } from '../../cli/config.ts'
import { waitUntil } from '../conformance/wait-until.ts'

const program = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')

/** `millrace start --no-simulate` as a process of its own, which can be killed. */
export class EngineProcess {
  readonly child: ChildProcess
  readonly #config: Config
  readonly exited: Promise<number | null>
  output = ''
  #admin: AdminClient | undefined

  constructor(config: Config, folder: string) {
    this.#config = config
    const flags = ['--set', 'gateway.port=0', '--set', 'admin.port=0']
    this.child = spawn(process.execPath, [program, 'start', '--no-simulate', '--no-view', ...flags], {
      cwd: folder,
      env: { ...process.env, ...environmentOf(config) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout!.on('data', (text) => {
      this.output += text
    })
    this.child.stderr!.on('data', (text) => {
      this.output += text
    })
    this.exited = once(this.child, 'close').then(([code]) => code as number | null)
  }

  /** Waits until it says where it listens. */
  async ready(limitMs = 60_000): Promise<void> {
    await waitUntil(
      'the engine says where it listens',
      () => {
        if (this.child.exitCode !== null) throw new Error(`the engine ended with ${this.child.exitCode}:\n${this.output}`)
        return /admin http:\/\/\S+/.test(this.output)
      },
      limitMs,
    )
    this.#admin = new AdminClient(this.#config, /admin http:\/\/(\S+)/.exec(this.output)![1])
  }

  /** What its admin side answers. */
  status(): Promise<EngineStatus> {
    return this.#admin!.status()
  }

  /** Ends it without any goodbye. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.exited
  }

  /** Asks it to drain; answers its exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill('SIGTERM')
    return await this.exited
  }
}

/** A configuration as the environment of a command. */
export function environmentOf(config: Config): Record<string, string> {
  return {
    MILLRACE_STACK: config.stack,
    MILLRACE_PARTITIONS: String(config.partitions),
    MILLRACE_EMBEDDED_PATH: config.embedded.path,
    MILLRACE_KAFKA_BROKERS: config.kafka.brokers.join(','),
    MILLRACE_KAFKA_SESSION_TIMEOUT_MS: String(config.kafka.sessionTimeoutMs),
    MILLRACE_KAFKA_REPLICATION_FACTOR: String(config.kafka.replicationFactor),
    MILLRACE_TOPOLOGIES: config.topologies.join(','),
    MILLRACE_REGISTRY_URL: config.registry.url,
    MILLRACE_REDIS_URL: config.redis.url,
    MILLRACE_INFERENCE_WORKERS: config.inference.workers.join(','),
    MILLRACE_INFERENCE_REPOSITORY: config.inference.repository,
    MILLRACE_INFERENCE_DEADLINE_MS: String(config.inference.deadlineMs),
    MILLRACE_RECOMMENDATIONS_SHED_AFTER_MS: String(config.recommendations.shedAfterMs),
    MILLRACE_RECOMMENDATIONS_CANDIDATES_MAX: String(config.recommendations.candidatesMax),
    MILLRACE_REWARDS_WAIT_MS: String(config.rewards.waitMs),
    MILLRACE_REWARDS_WAITS_PURCHASE_MS: String(config.rewards.waits.purchaseMs),
    MILLRACE_REWARDS_UPDATE: config.rewards.update,
    MILLRACE_LOG_LEVEL: config.log.level,
  }
}
