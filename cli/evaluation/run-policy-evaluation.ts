import { readFile } from 'node:fs/promises'
import { createPolicy } from '../../algorithms/bandits/create-policy.ts'
import type { WeightCheck } from '../../algorithms/off-policy.ts'
import { newsReplay } from '../../connectors/files/news-replay.ts'
import { openBandit, openBanditArms } from '../../connectors/files/open-bandit.ts'
import { rewardLines } from '../../connectors/files/reward-lines.ts'
import { MillraceError } from '../../core/errors.ts'
import { judgePolicy } from '../../evaluation/policies/judge-policy.ts'
import {
  constantPolicy,
  type JudgedPolicy,
  learnedPolicy,
  thompsonSlatePolicy,
  uniformPolicy,
} from '../../evaluation/policies/judged-policy.ts'
import type { PolicyEstimate, PolicyJudgement } from '../../evaluation/policies/policy-judgement.ts'
import { PolicyLog } from '../../evaluation/policies/policy-log.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'

export interface EvaluatePolicyFlags extends GlobalFlags {
  readonly log: string
  readonly 'log-format': string
  readonly policy: string
  readonly over: string | undefined
  readonly setting: readonly string[] | undefined
  readonly prior: string | undefined
  readonly truth: string | undefined
  readonly train: number
  readonly limit: number
  readonly shrinkage: number
  readonly folds: number
  readonly seed: number
}

const readers: Readonly<Record<string, (path: string) => AsyncGenerator<LoggedChoice[]>>> = {
  rewards: rewardLines,
  'open-bandit': openBandit,
  'news-replay': newsReplay,
}

const resamples = 1_000

/** Reads a log, judges the policy by it, prints. What can be wrong with the flags is refused before the log is read. */
export async function runPolicyEvaluation(flags: EvaluatePolicyFlags): Promise<void> {
  const judgedOn = policyMaker(flags, settingsOf(flags.setting ?? []))
  const log = await readLog(flags.log, flags)
  if (log.slates.length > 0 && (flags.policy.startsWith('always:') || flags.prior !== undefined))
    throw new MillraceError('MILL_USAGE', `"${flags.log}" holds slates: judge uniform or a policy that learns by them`)
  const options = { limit: flags.limit, shrinkage: flags.shrinkage, folds: flags.folds, seed: flags.seed, resamples }
  const judgement = judgePolicy(log, await judgedOn(log), options)
  let truth: PolicyEstimate | null = null
  if (flags.truth !== undefined) {
    truth = judgePolicy(await readLog(flags.truth, flags), uniformPolicy(), options).logged
  }
  if (flags.json) printJson({ log: flags.log, ...judgement, verdict: judgement.check.refusal === null, truth })
  else print(flags.log, log, judgement, truth)
}

async function readLog(path: string, flags: EvaluatePolicyFlags): Promise<PolicyLog> {
  const { 'log-format': format, over } = flags
  const log = new PolicyLog()
  const kinds = new Map<string, number>()
  // Arms that this log never shows can still be what the judged policy would show.
  if (format === 'open-bandit') for (const arm of await openBanditArms(path)) log.numberOf(arm)
  for await (const choices of readers[format]!(path)) {
    for (const choice of choices) if (choice.over) kinds.set(choice.over, (kinds.get(choice.over) ?? 0) + 1)
    const own = over === undefined ? choices : choices.filter((choice) => choice.over === over)
    // Sources and items are not arms of one policy, and a slot of a slate is no choice of its own.
    if (over === undefined && kinds.size > 1)
      throw new MillraceError(
        'MILL_USAGE',
        `"${path}" holds choices over ${[...kinds.keys()].join(' and ')}: name one with --over`,
      )
    log.add(own)
  }
  if (log.rows === 0) throw new MillraceError('MILL_IMPORT_INVALID', `"${path}" holds no slot that a policy chose`)
  return log
}

function policyMaker(
  { policy, prior, train }: EvaluatePolicyFlags,
  settings: Readonly<Record<string, number>>,
): (log: PolicyLog) => JudgedPolicy | Promise<JudgedPolicy> {
  const isGiven = policy === 'uniform' || policy.startsWith('always:') || prior !== undefined
  if (isGiven && Object.keys(settings).length > 0)
    throw new MillraceError('MILL_USAGE', `--setting means nothing to a policy that does not learn (${policy})`)
  if (prior !== undefined && policy !== 'beta-thompson')
    throw new MillraceError('MILL_USAGE', `--prior is for --policy beta-thompson, not ${policy}`)
  if (policy === 'uniform') return uniformPolicy
  if (policy.startsWith('always:')) return (log) => constantPolicy(log, policy.slice('always:'.length))
  if (prior !== undefined) return async (log) => thompsonSlatePolicy(log, await readPrior(prior, log.arms))
  const learner = createPolicy(policy, settings)
  return (log) => learnedPolicy(log, learner, train / 100)
}

async function readPrior(path: string, arms: readonly string[]): Promise<{ alpha: number; beta: number }[]> {
  const wrong = (what: string, cause?: unknown) =>
    new MillraceError('MILL_USAGE', `--prior ${path}: ${what}; give {"arm": [alpha, beta], …} with numbers above 0`, { cause })
  let given: Record<string, unknown>
  try {
    given = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>
  } catch (cause) {
    throw wrong((cause as Error).message, cause)
  }
  return arms.map((arm) => {
    const pair = given[arm]
    if (!Array.isArray(pair) || !(pair[0] > 0) || !(pair[1] > 0)) throw wrong(`arm ${arm} has ${JSON.stringify(pair)}`)
    return { alpha: pair[0] as number, beta: pair[1] as number }
  })
}

function settingsOf(texts: readonly string[]): Record<string, number> {
  const settings: Record<string, number> = {}
  for (const text of texts) {
    const [key = '', value = ''] = text.split('=')
    if (key === '' || value === '' || Number.isNaN(Number(value)))
      throw new MillraceError('MILL_USAGE', `--setting ${text}: give name=number`)
    settings[key] = Number(value)
  }
  return settings
}

function print(path: string, log: PolicyLog, judgement: PolicyJudgement, truth: PolicyEstimate | null): void {
  const { policy, rows, logged, estimates, check, bootstrap, marginalCheck } = judgement
  console.log(
    `${path}: ${log.slates.length > 0 ? `${log.slates.length} slates` : `${log.rows} choices`} among ${log.arms.length} arms in ${log.positions} positions; ${policy} judged on ${rows}\n`,
  )
  const row = ({ estimator, value, interval }: PolicyEstimate) => [
    estimator,
    value.toFixed(6),
    `${interval[0].toFixed(6)} … ${interval[1].toFixed(6)}`,
  ]
  printTable(
    ['estimator', 'mean reward', '95 % interval'],
    [
      row(logged),
      ...estimates.map(row),
      ...(bootstrap ? [['SNIPS, bootstrap', '', `${bootstrap[0].toFixed(6)} … ${bootstrap[1].toFixed(6)}`]] : []),
      ...(truth ? [row({ ...truth, estimator: 'truth: its own log' })] : []),
    ],
    '',
  )
  console.log(`\n${weightsOf(check)}`)
  console.log(check.refusal === null ? 'The log carries this policy.' : `No verdict: ${check.refusal}.`)
  if (marginalCheck === null) console.log('No IIPS: the log has no marginal chances (recommendations.explore.marginalDraws).')
  if (marginalCheck)
    console.log(
      `IIPS: ${weightsOf(marginalCheck)}${marginalCheck.refusal === null ? '' : `; no verdict: ${marginalCheck.refusal}`}.`,
    )
}

function weightsOf({ effectiveSize, meanWeight, meanWeightError, maxWeight }: WeightCheck): string {
  return `effective sample size ${effectiveSize.toFixed(1)}, mean weight ${meanWeight.toFixed(4)} ± ${meanWeightError.toFixed(4)}, largest ${maxWeight.toFixed(2)}`
}
