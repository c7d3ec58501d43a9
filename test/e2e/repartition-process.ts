import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Config } from '../../cli/config.ts'
import { createRandom } from '../../core/random.ts'
import { environmentOf } from './engine-process.ts'

const program = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')

/** A command of `millrace` as a process of its own; dies once it has told `linesMax` lines. A code of null is a kill. */
export async function commandProcess(
  config: Config,
  args: readonly string[],
  folder: string,
  linesMax = Number.POSITIVE_INFINITY,
): Promise<{ code: number | null; output: string }> {
  const env = { ...process.env, ...environmentOf(config) }
  const flags = ['--execute', '--reason', 'test', '--address', '127.0.0.1:1']
  const child = spawn(process.execPath, [program, ...args, ...flags], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let lines = 0
  child.stdout.on('data', (text: Buffer) => {
    output += text
    lines += String(text).split('\n').length - 1
    if (lines > linesMax) child.kill('SIGKILL')
  })
  child.stderr.on('data', (text: Buffer) => {
    output += text
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output }
}

/** Kills the command again and again, each time a little later, and lets it finish at last; answers how often it was killed. */
export async function repartitionKilled(config: Config, to: number, folder: string): Promise<number> {
  const args = ['repartition', '--partitions', String(to)]
  const random = createRandom('repartition kills')
  for (let kills = 0; ; ) {
    // The moment within a step is left to chance.
    const { code, output } = await commandProcess(config, args, folder, kills < 4 ? 1 + kills * 7 + random.below(7) : undefined)
    // A kill that comes just after its last step leaves nothing to do.
    if (code === 0 || (kills > 0 && output.includes(`belongs to ${to} partitions already`))) return kills
    if (code !== null) throw new Error(`repartition ended with ${code}:\n${output}`)
    kills++
  }
}
