import { mkdirSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { MillraceError } from '../../core/errors.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson } from '../print.ts'
import type { ShopResult } from './arm-tally.ts'
import { printSimulation } from './print-simulation.ts'
import { shopArmsOf, usualArms } from './shop-arms.ts'
import type { ShopJob } from './simulate-shop.ts'
import { armReports, type SimulationReport } from './simulation-report.ts'

export interface SimulateFlags extends GlobalFlags {
  readonly arms: string | undefined
  readonly seeds: string | undefined
  readonly events: number | undefined
  readonly warm: number | undefined
  readonly rival: string | undefined
  readonly paired: boolean
  readonly rows: string | undefined
  readonly threads: number | undefined
  readonly progress: boolean
}

/** Showings wait so long for their outcome, ms: a visit lasts a minute or two, and simulated days are short. */
const rewardWaitMs = 120_000

/** Runs a shop per seed, `--threads` of them at once, and prints what came of the arms. Errors: those of the flags and of the models. */
export async function runSimulation(flags: SimulateFlags): Promise<void> {
  const arms = shopArmsOf(flags.arms ?? usualArms.join())
  if (arms.some(({ arm }) => arm === 'rival') && flags.rival === undefined)
    throw new MillraceError('MILL_USAGE', '--arms: "rival" needs the model repository of the other ranker: --rival DIR')
  const { events = 40_000, warm = 20_000, threads = 1, paired, rival, rows } = flags
  const config = configOf(flags, { rewards: { waitMs: rewardWaitMs } })
  const seeds = (flags.seeds ?? '1').split(',').map((seed) => seed.trim())
  if (rows !== undefined) mkdirSync(rows, { recursive: true })
  const shops: ShopResult[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < seeds.length) {
      const at = next++
      shops[at] = await shopInThread({ config, seed: seeds[at]!, arms, events, warm, paired, rival, rows })
      if (flags.progress && process.stderr.isTTY) console.error(`shop ${seeds[at]} is done, ${seeds.length} in all`)
    }
  }
  await Promise.all(Array.from({ length: Math.min(threads, seeds.length) }, work))
  const { users, items } = config.simulator
  const report: SimulationReport = { seeds, events, warm, users, items, ...armReports(arms, shops) }
  if (flags.json) printJson(report)
  else printSimulation(report)
}

/** Shops are independent of each other: each has a thread to itself, and one machine as many as it has cores. */
function shopInThread(job: ShopJob): Promise<ShopResult> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./shop-thread.ts', import.meta.url), { workerData: job })
    thread.once('message', resolve)
    thread.once('error', reject)
  })
}
