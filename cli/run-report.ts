import type { Rate, RunStatistics } from './run-statistics.ts'

/** What a run did: the JSON report of `millrace start --report`. */
export interface RunReport {
  readonly stack: string
  readonly cores: number
  readonly elapsedMs: number
  readonly events: number
  readonly lists: number
  readonly rewards: number
  readonly banditUpdates: number
  readonly deadLetters: number
  readonly late: number
  readonly eventsPerSecond: number
  readonly freshnessMs: { readonly p50: number | null; readonly p99: number | null }
  readonly inference: { readonly rows: number; readonly requests: number; readonly batchMean: number; readonly failures: number }
  /** Lists by the rung that made them. */
  readonly rungs: Readonly<Record<string, number>>
  /** By variant of the experiment, people being the independent units. */
  readonly clickThrough: Readonly<Record<string, Rate>>
  /** learned − trend with its 95 % interval. */
  readonly learnedMinusTrend: { readonly difference: number; readonly lower: number; readonly upper: number } | null
}

/** Sums up a run. */
export function reportOf(
  statistics: RunStatistics,
  inference: { readonly rows: number; readonly requests: number; readonly failures: number },
  run: { readonly stack: string; readonly cores: number; readonly elapsedMs: number },
): RunReport {
  const { rows, requests, failures } = inference
  return {
    ...run,
    events: statistics.events,
    lists: statistics.lists,
    rewards: statistics.rewards,
    banditUpdates: statistics.banditUpdates,
    deadLetters: statistics.deadLetters,
    late: statistics.late,
    eventsPerSecond: Math.round((statistics.events / Math.max(1, run.elapsedMs)) * 1000),
    freshnessMs: { p50: statistics.freshnessMs(0.5), p99: statistics.freshnessMs(0.99) },
    inference: { rows, requests, batchMean: requests === 0 ? 0 : rows / requests, failures },
    rungs: Object.fromEntries(statistics.rungs),
    clickThrough: statistics.clickThrough(),
    learnedMinusTrend: statistics.difference('learned', 'trend'),
  }
}

/** The report in a few lines for a terminal. */
export function wordReport(report: RunReport): string {
  const percent = (rate: number) => `${(100 * rate).toFixed(2)} %`
  const rates = Object.entries(report.clickThrough).map(
    ([name, { rate, lower, upper, slots }]) =>
      `  click-through ${name}: ${percent(rate)}${lower === null || upper === null ? '' : ` (95 % ${percent(lower)} to ${percent(upper)})`} of ${slots} shown`,
  )
  const difference = report.learnedMinusTrend
  return [
    `${report.events} events in ${(report.elapsedMs / 1000).toFixed(1)} s (${report.eventsPerSecond} a second), ${report.lists} lists, ${report.rewards} rewards, ${report.banditUpdates} bandit updates`,
    `  freshness p50 ${report.freshnessMs.p50 ?? '–'} ms, p99 ${report.freshnessMs.p99 ?? '–'} ms; dead letters ${report.deadLetters}, late ${report.late}`,
    `  inference ${report.inference.rows} rows in ${report.inference.requests} batches (mean ${report.inference.batchMean.toFixed(0)}), ${report.inference.failures} failed; rungs ${JSON.stringify(report.rungs)}`,
    ...rates,
    ...(difference
      ? [
          `  learned − trend: ${percent(difference.difference)} (95 % ${percent(difference.lower)} to ${percent(difference.upper)})`,
        ]
      : []),
  ].join('\n')
}
