const hourMs = 3_600_000
/** Visits by UTC hour, the mean of the day being 1. */
const hourRates = [
  0.35, 0.25, 0.2, 0.2, 0.25, 0.4, 0.65, 0.9, 1.05, 1.15, 1.2, 1.25, 1.3, 1.2, 1.15, 1.15, 1.2, 1.35, 1.55, 1.75, 1.8, 1.65, 1.2,
  0.85,
]

/** How busy the shop is over the day. */
export const dailyCourse = {
  /** How many come at a time, as a multiple of the day's mean, 0.2–1.8. */
  rateAt: (timeMs: number): number => hourRates[Math.floor(timeMs / hourMs) % 24]!,

  /**
   * When the shop must have opened so that as much has happened by `endMs` as at the mean rate in `meanMs`: about 5 times as long
   * ago at night, half as long on an evening.
   */
  startFor(endMs: number, meanMs: number): number {
    let fromMs = endMs
    for (let leftMs = meanMs; ; ) {
      const hourStartMs = Math.floor((fromMs - 1) / hourMs) * hourMs
      const rate = dailyCourse.rateAt(hourStartMs)
      const inHourMs = (fromMs - hourStartMs) * rate
      if (leftMs <= inHourMs) return fromMs - leftMs / rate
      leftMs -= inHourMs
      fromMs = hourStartMs
    }
  },
}
