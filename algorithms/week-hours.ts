/**
 * How busy each hour of the week is, 168 of them from Monday 0:00 UTC on: strength per hour of the week with half-life 4 weeks, which is
 * about what 8 weeks say. The running hour stands apart until a later one begins, so that a rush does not make itself look usual.
 */
export interface WeekHours {
  /** Decayed strength of the finished hours, 32-bit floats at one landmark; empty before the first hour is finished. */
  hours: number[]
  /** The landmark, a whole number of half-lives. */
  referenceMs: number
  /** Hours since the epoch: the first one heard of, and the running one; 0 before the first event. */
  firstHour: number
  lastHour: number
  /** Strength of the running hour. */
  running: number
}

const hourMs = 3_600_000
const hoursPerWeek = 168
const halfLifeHours = 4 * hoursPerWeek
/** The first Monday after the epoch, in hours. */
const monday = 4 * 24
/** An hour is believed to be as busy as any, with so much strength's worth of evidence. */
const pseudoStrength = 5

/** Weeks of which nothing is known. */
export function emptyWeekHours(): WeekHours {
  return { hours: [], referenceMs: 0, firstHour: 0, lastHour: 0, running: 0 }
}

/** Adds `strength` at `timeMs`, in place; events may come in any order. */
export function addToWeekHours(week: WeekHours, strength: number, timeMs: number): void {
  const hour = Math.floor(timeMs / hourMs)
  if (week.firstHour === 0) {
    week.firstHour = hour
    week.lastHour = hour
  }
  if (hour < week.firstHour) week.firstHour = hour
  if (hour < week.lastHour) {
    addFinished(week, strength, hour)
    return
  }
  if (hour > week.lastHour) {
    if (week.running > 0) addFinished(week, week.running, week.lastHour)
    week.lastHour = hour
    week.running = 0
  }
  week.running += strength
}

function addFinished(week: WeekHours, strength: number, hour: number): void {
  if (week.hours.length === 0) week.hours = new Array<number>(hoursPerWeek).fill(0)
  const landmark = Math.floor(hour / halfLifeHours) * halfLifeHours
  const reference = week.referenceMs / hourMs
  if (landmark > reference) {
    const factor = reference === 0 ? 0 : 2 ** ((reference - landmark) / halfLifeHours)
    for (let at = 0; at < hoursPerWeek; at++) week.hours[at] = Math.fround(week.hours[at]! * factor)
    week.referenceMs = landmark * hourMs
  }
  const at = hourOfWeek(hour)
  week.hours[at] = Math.fround(week.hours[at]! + strength * 2 ** ((hour - week.referenceMs / hourMs) / halfLifeHours))
}

/**
 * The index of each hour of the week: its strength over that of a mean hour, 1 = as busy as any, with 5 strengths' worth of evidence for
 * that (Gamma-Poisson). Hours count as often as they have passed since the first event. Empty until a week has passed.
 */
export function weekIndices({ hours, referenceMs, firstHour, lastHour }: WeekHours): readonly number[] {
  if (hours.length === 0 || lastHour - firstHour < hoursPerWeek) return []
  const passed = hoursPassed(firstHour, lastHour)
  // Both as of the running hour.
  const factor = 2 ** ((referenceMs / hourMs - lastHour) / halfLifeHours)
  let [strength, hoursInAll] = [0, 0]
  for (let at = 0; at < hoursPerWeek; at++) {
    strength += hours[at]! * factor
    hoursInAll += passed[at]!
  }
  const mean = strength / hoursInAll
  return hours.map((hour, at) => Math.fround((hour * factor + pseudoStrength) / (passed[at]! * mean + pseudoStrength)))
}

/** The index at a moment; 1 where none are known. */
export function weekIndexAt(indices: ArrayLike<number>, timeMs: number): number {
  return indices.length === 0 ? 1 : indices[hourOfWeek(Math.floor(timeMs / hourMs))]!
}

/** How often each hour of the week passed from `first` up to but not with `last`, decayed as of `last`. */
function hoursPassed(first: number, last: number): Float64Array {
  const passed = new Float64Array(hoursPerWeek)
  const weekly = 2 ** (-hoursPerWeek / halfLifeHours)
  for (let back = 1; back <= hoursPerWeek; back++) {
    const times = Math.floor((last - back - first) / hoursPerWeek) + 1
    // A geometric series: so many weeks, the newest one `back` hours old.
    passed[hourOfWeek(last - back)] = (2 ** (-back / halfLifeHours) * (1 - weekly ** times)) / (1 - weekly)
  }
  return passed
}

function hourOfWeek(hour: number): number {
  return (((hour - monday) % hoursPerWeek) + hoursPerWeek) % hoursPerWeek
}
