/** How a time is written: seconds or milliseconds since 1970, an ISO date, or whichever of them it looks like. */
export const timeUnits = ['auto', 's', 'ms', 'us', 'iso'] as const
export type TimeUnit = (typeof timeUnits)[number]

const perMs = { s: 1000, ms: 1, us: 0.001 } as const
/** Numbers from here on are milliseconds: as seconds they would lie after the year 5000. */
const secondsMax = 1e11
/** And from here on microseconds. */
const millisMax = 1e14

/** Whole milliseconds since 1970, or NaN. Times without a zone count as UTC. */
export function parseTime(text: string | undefined, unit: TimeUnit): number {
  if (text === undefined || text === '') return Number.NaN
  if (unit === 'iso') return parseIso(text)
  const number = Number(text)
  if (unit !== 'auto') return Math.round(number * perMs[unit])
  if (Number.isNaN(number)) return parseIso(text)
  return Math.round(number * (number < secondsMax ? perMs.s : number < millisMax ? perMs.ms : perMs.us))
}

function parseIso(text: string): number {
  const match = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(Z|UTC|[+-]\d\d:?\d\d)?$/.exec(
    text.trim(),
  )
  if (!match) return Number.NaN
  const [, year, month, day, hour, minute, second, fraction, zone] = match
  const millis = Math.floor(Number(`0.${fraction ?? '0'}`) * 1000)
  const local = Date.UTC(+year!, +month! - 1, +day!, +(hour ?? 0), +(minute ?? 0), +(second ?? 0), millis)
  if (new Date(local).getUTCDate() !== +day!) return Number.NaN
  if (zone === undefined || zone === 'Z' || zone === 'UTC') return local
  const sign = zone[0] === '-' ? 1 : -1
  return local + sign * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))) * 60_000
}
