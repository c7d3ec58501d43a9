const formats = new Map<string, Intl.DateTimeFormat | null>()

/** Zones remembered; a producer that invents zones costs no more memory than this. */
const zonesMax = 512

/** Hour of day with fraction, 0–24, in an IANA time zone; UTC for null and for zones nobody knows. */
export function hourInZone(timeMs: number, zone: string | null): number {
  const minutes = (timeMs / 60_000) % 1440
  if (zone === null || zone === 'UTC') return minutes / 60
  let format = formats.get(zone)
  if (format === undefined) {
    try {
      format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hour12: false })
    } catch {
      format = null
    }
    if (formats.size < zonesMax) formats.set(zone, format)
  }
  if (format === null) return minutes / 60
  const parts = format.formatToParts(timeMs)
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value ?? 0)
  return (part('hour') % 24) + part('minute') / 60
}
