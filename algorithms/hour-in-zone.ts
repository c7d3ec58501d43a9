/** A zone's clock, with its distance from UTC in the quarter hour that was asked for last. */
interface Zone {
  readonly format: Intl.DateTimeFormat
  quarter: number
  offsetMinutes: number
}

const zones = new Map<string, Zone | null>()

/** Zones remembered; a producer that invents zones costs no more memory than this. */
const zonesMax = 512

/** Hour of day with fraction, 0–24, in an IANA time zone; UTC for null and for zones nobody knows. */
export function hourInZone(timeMs: number, zone: string | null): number {
  if (zone === null || zone === 'UTC') return ((timeMs / 60_000) % 1440) / 60
  let known = zones.get(zone)
  if (known === undefined) {
    known = openZone(zone)
    if (zones.size < zonesMax) zones.set(zone, known)
  }
  if (known === null) return ((timeMs / 60_000) % 1440) / 60
  // Clocks change on quarter hours of UTC, and asking costs thousands of times more than remembering.
  const quarter = Math.floor(timeMs / 900_000)
  const minute = Math.floor(timeMs / 60_000)
  if (quarter !== known.quarter) {
    known.offsetMinutes = minuteOfDay(known.format, timeMs) - (minute % 1440)
    known.quarter = quarter
  }
  const local = (minute + known.offsetMinutes + 1440) % 1440
  return Math.floor(local / 60) + (local % 60) / 60
}

function openZone(zone: string): Zone | null {
  try {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit', hour12: false })
    return { format, quarter: Number.NaN, offsetMinutes: 0 }
  } catch {
    return null
  }
}

function minuteOfDay(format: Intl.DateTimeFormat, timeMs: number): number {
  const parts = format.formatToParts(timeMs)
  const part = (type: string) => Number(parts.find((candidate) => candidate.type === type)?.value ?? 0)
  return (part('hour') % 24) * 60 + part('minute')
}
