import { type OpenPorts, openPorts } from '../cli/compose.ts'
import { type Config, loadConfig } from '../cli/config.ts'
import { retrying } from '../core/retrying.ts'
import { Engine } from '../runtime/engine.ts'
import type { Addresses, BenchOptions } from './bench-options.ts'

/** What all benchmarks of the whole engine stand on. */
export interface BenchStack {
  readonly services: Addresses
  readonly config: Config
  readonly ports: OpenPorts
}

/** How long a broker that has just started may refuse topics. */
export const topicPatience = { waitMs: 200, waitMsMax: 2_000, giveUpMs: 60_000 }

/** Starts Kafka, registry, Redis and a worker, and makes the topics; all of it closes at the end of the run. */
export async function openStack(options: BenchOptions, partitions: number): Promise<BenchStack> {
  const services = await options.services('kafka', 'registry', 'redis', 'inference')
  const config = loadConfig(undefined, {
    stack: 'distributed',
    partitions,
    kafka: { brokers: [services.kafka] },
    registry: { url: services.registry },
    redis: { url: services.redis },
    inference: { workers: [services.inference] },
    rewards: { waitMs: 10_000 },
    log: { level: 'error' },
  })
  const ports = await openPorts(config)
  options.onEnd(() => ports.close())
  await retrying(ports.clock, () => Engine.ensureTopics(ports.log, partitions), topicPatience)
  return { services, config, ports }
}
