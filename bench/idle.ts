import type { BenchOptions } from './bench-options.ts'
import { type Figure, figureOf } from './figure.ts'
import { openStack } from './open-stack.ts'
import { Program } from './program.ts'

export const description = 'CPU of an engine that has nothing to do, on open connections to Kafka and Redis'

const partitions = 4

interface CpuReport {
  readonly cpuMs: number
}

/** All topologies on empty topics; the first seconds are not counted. Option: `--seconds` (20). */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const seconds = options.number('seconds', 20)
  const { services, config } = await openStack(options, partitions)
  const engine = await Program.start<'ready', CpuReport>(options, 'engine-program.ts', JSON.stringify(config))
  // One consumer with the same client and nothing around it.
  const bare = await Program.start<'ready', CpuReport>(options, 'echo-program.ts', services.kafka, 'user-events', 'decisions')
  await pause(5)
  await engine.report()
  await bare.report()
  const fromMs = performance.now()
  await pause(seconds)
  const [own, floor] = [await engine.report(), await bare.report()]
  const share = ({ cpuMs }: CpuReport) => (100 * cpuMs) / (performance.now() - fromMs)
  return [
    figureOf({ name: 'engine-cpu', kind: 'note', value: share(own), unit: '% of a core', goal: 'value <= 2' }),
    figureOf({ name: 'one-bare-consumer-cpu', kind: 'note', value: share(floor), unit: '% of a core' }),
  ]
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}
