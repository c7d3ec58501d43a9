import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { systemClock } from '../../core/clock.ts'
import { silentMetrics } from '../../ports/metrics.ts'
import { SharedScorer } from '../../runtime/shared-scorer.ts'
import type { Reward } from '../../schemas/reward.ts'
import { openInference } from '../compose.ts'
import type { Config } from '../config.ts'
import { jsonLine } from '../json-line.ts'
import { openLogger } from '../logger.ts'
import { ArmTally, type ShopResult } from './arm-tally.ts'
import { type ShopArm, weightsOf } from './shop-arms.ts'
import { ShopLoop } from './shop-loop.ts'

/** One shop to simulate, in plain data. */
export interface ShopJob {
  readonly config: Config
  readonly seed: string
  readonly arms: readonly ShopArm[]
  /** Events that are counted, and events before them. */
  readonly events: number
  readonly warm: number
  readonly paired: boolean
  /** Model repository of the arm `rival`. */
  readonly rival: string | undefined
  /** Folder for the joined rewards. */
  readonly rows: string | undefined
}

/** In-process models are waited for: a slow machine must not change what is measured. */
const patienceMs = 600_000
const scorerLimits = { rowsMax: 4096, queueRowsMax: 65_536, deadlineMs: patienceMs, retryMs: 1_000 }

/** Runs a shop to its end and tells what came of its arms. Errors: those of the models. */
export async function simulateShop(job: ShopJob): Promise<ShopResult> {
  const { config, seed, arms, events, warm, paired } = job
  const repositories = [config.inference.repository, ...(job.rival === undefined ? [] : [job.rival])]
  const inferences = await Promise.all(repositories.map((repository) => openModels(config, repository)))
  const [scorer, rival] = inferences.map((inference) => new SharedScorer(inference, scorerLimits, systemClock, silentMetrics))
  const rows = job.rows === undefined ? null : createWriteStream(join(job.rows, `${seed}.jsonl`))
  const tally = new ArmTally()
  const observer = {
    shown: tally.shown.bind(tally),
    compared: tally.compared.bind(tally),
    event: tally.event.bind(tally),
    reward: (reward: Reward) => void rows?.write(jsonLine(reward)),
  }
  try {
    const loop = new ShopLoop({ config, seed, arms, weights: weightsOf(arms), scorer: scorer!, rival, paired })
    await loop.open()
    await loop.run(warm, observer)
    tally.start()
    await loop.run(warm + events, observer)
    return tally.result(arms.map(({ label }) => label))
  } finally {
    if (rows !== null) await finished(rows.end())
    for (const inference of inferences) await inference.close()
  }
}

function openModels(config: Config, repository: string) {
  const inference = { ...config.inference, repository, workers: [] }
  return openInference({ ...config, inference }, systemClock, openLogger(config))
}
