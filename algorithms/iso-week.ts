const dayMs = 86_400_000

/** The ISO 8601 week of a moment in UTC, e.g. `2026-W01`: weeks begin on Monday and belong to the year of their Thursday. */
export function isoWeek(timeMs: number): string {
  const days = Math.floor(timeMs / dayMs)
  // 1970-01-01, day 0, was a Thursday.
  const thursday = days - ((((days + 3) % 7) + 7) % 7) + 3
  const year = new Date(thursday * dayMs).getUTCFullYear()
  const week = Math.floor((thursday - Date.UTC(year, 0, 1) / dayMs) / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}
