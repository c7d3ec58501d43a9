import { createWriteStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { systemClock } from '../../core/clock.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import type { Scorer } from '../../ports/scorer.ts'
import { SharedScorer } from '../../runtime/shared-scorer.ts'
import type { Reward } from '../../schemas/reward.ts'
import type { SimulateFlags } from '../commands/simulate.ts'
import { openInference } from '../compose.ts'
import type { Config } from '../config.ts'
import { configOf } from '../global-flags.ts'
import { jsonLine } from '../json-line.ts'
import { openLogger } from '../logger.ts'
import { printJson } from '../print.ts'
import { ArmTally } from './arm-tally.ts'
import { printSimulation } from './print-simulation.ts'
import { shopArmsOf, usualArms, weightsOf } from './shop-arms.ts'
import { ShopLoop, type ShopLoopOptions } from './shop-loop.ts'
import { armReports, type SimulationReport } from './simulation-report.ts'

/** Events between two lines of progress. */
const progressEvents = 2_000
/** Showings wait so long for their outcome, ms: a visit lasts a minute or two, and simulated days are short. */
const rewardWaitMs = 120_000
/** In-process models are waited for: a slow machine must not change what is measured. */
const patienceMs = 600_000

/** Runs a shop per seed, one after the other, and prints what came of the arms. Errors: those of the flags and of the models. */
export async function runSimulation(flags: SimulateFlags): Promise<void> {
  const arms = shopArmsOf(flags.arms ?? usualArms.join())
  const seeds = (flags.seeds ?? '1').split(',').map((seed) => seed.trim())
  const config = configOf(flags, { rewards: { waitMs: rewardWaitMs } })
  if (flags.rows !== undefined) mkdirSync(flags.rows, { recursive: true })
  const models = await openModels(config, flags.rival)
  try {
    const shops: ArmTally[] = []
    for (const seed of seeds) {
      const options = { config, seed, arms, weights: weightsOf(arms), ...models, paired: flags.paired }
      shops.push(await runShop(options, flags))
    }
    const { users, items } = config.simulator
    const counts = { events: flags.events ?? 40_000, warm: flags.warm ?? 20_000, users, items }
    const report: SimulationReport = { seeds, ...counts, ...armReports(arms, shops) }
    if (flags.json) printJson(report)
    else printSimulation(report)
  } finally {
    await models.close()
  }
}

async function runShop(options: ShopLoopOptions, flags: SimulateFlags): Promise<ArmTally> {
  const { events = 40_000, warm = 20_000 } = flags
  const tally = new ArmTally()
  const rows = flags.rows === undefined ? null : createWriteStream(join(flags.rows, `${options.seed}.jsonl`))
  const observer = {
    shown: tally.shown.bind(tally),
    compared: tally.compared.bind(tally),
    event: tally.event.bind(tally),
    reward: (reward: Reward) => void rows?.write(jsonLine(reward)),
  }
  const loop = new ShopLoop(options)
  await loop.open()
  for (let next = 0; next < warm + events; ) {
    if (next === warm) tally.start()
    next = Math.min(next + progressEvents, next < warm ? warm : warm + events)
    await loop.run(next, observer)
    if (flags.progress && process.stderr.isTTY)
      process.stderr.write(`\rshop ${options.seed}: ${next} of ${warm + events} events `)
  }
  if (flags.progress && process.stderr.isTTY) process.stderr.write('\n')
  if (rows !== null) await finished(rows.end())
  return tally
}

/** The models of the configuration and, for the arm `rival`, those of another repository. */
async function openModels(config: Config, rival: string | undefined) {
  const repositories = [config.inference.repository, ...(rival === undefined ? [] : [rival])]
  const opened = repositories.map((repository) => {
    const inference = { ...config.inference, repository, workers: [] }
    return openInference({ ...config, inference }, systemClock, openLogger(config))
  })
  const inferences = await Promise.all(opened)
  const limits = { rowsMax: 4096, queueRowsMax: 65_536, deadlineMs: patienceMs, retryMs: 1_000 }
  const [scorer, other] = inferences.map((inference) => new SharedScorer(inference, limits, systemClock, silentMetrics))
  const close = async () => {
    for (const inference of inferences) await inference.close()
  }
  return { scorer: scorer as Scorer, rival: other as Scorer | undefined, close }
}
