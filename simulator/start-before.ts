/** Longer than in the mean: a shop fills slowly, and the fewer visits it has the further chance carries it. */
const slack = { ms: 120_000, share: 0.1, perRoot: 32 }

/** When a shop without a course of the day must open so that all its events lie before `endMs`, but for rare chance; ms. */
export function startBefore(endMs: number, { events, eventsPerSecond }: { events: number; eventsPerSecond: number }): number {
  const meanMs = (1000 * events) / eventsPerSecond
  return Math.floor(endMs - slack.ms - meanMs * (1 + slack.share + slack.perRoot / Math.sqrt(events)))
}
