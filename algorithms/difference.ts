import { normalQuantile, normalTwoSided } from './normal.ts'
import { studentCritical, studentTwoSided } from './student-t.ts'

/** An estimate that a table can show: value, uncertainty, and how surprising it would be if the truth were 0. */
export interface Difference {
  readonly value: number
  readonly standardError: number
  /** Ends of the 1 − alpha interval. */
  readonly lower: number
  readonly upper: number
  /** Two-sided. */
  readonly pValue: number
}

/** An estimate with a known mean and the variance of that mean. */
export interface MeanEstimate {
  readonly mean: number
  /** Variance of one unit's value. */
  readonly variance: number
  /** Units, ≥ 2. */
  readonly count: number
}

/** How two arms are compared. */
export interface DifferenceOptions {
  /** treatment − control, or (treatment − control) / control: the lift. Default absolute. */
  readonly relative?: boolean
  /** Default .05. */
  readonly alpha?: number
}

/**
 * Welch's test of treatment against control: variances are not pooled, degrees of freedom after Welch–Satterthwaite. The lift
 * uses the delta method with independent arms. Null where nothing can be said: fewer than two units in an arm, no variance in
 * either, or a lift over a control mean of 0 (features.md F10.6).
 */
export function welchDifference(
  control: MeanEstimate,
  treatment: MeanEstimate,
  options: DifferenceOptions = {},
): Difference | null {
  const { relative = false, alpha = 0.05 } = options
  const estimate = differenceOf(control, treatment, relative)
  if (estimate === null) return null
  const c = control.variance / control.count
  const t = treatment.variance / treatment.count
  const degrees = (c + t) ** 2 / ((c * c) / (control.count - 1) + (t * t) / (treatment.count - 1))
  const half = studentCritical(alpha, degrees) * estimate.standardError
  const pValue = studentTwoSided(estimate.value / estimate.standardError, degrees)
  return { ...estimate, lower: estimate.value - half, upper: estimate.value + half, pValue }
}

/**
 * The same for looking at any time: the asymptotic confidence sequence of Waudby-Smith et al. (arXiv 2103.06476), whose interval
 * covers the truth at every look at once with chance 1 − alpha. `tunedFor` (default 5000) is the number of units at which it is
 * narrowest.
 */
export function alwaysValidDifference(
  control: MeanEstimate,
  treatment: MeanEstimate,
  options: DifferenceOptions & { readonly tunedFor?: number } = {},
): Difference | null {
  const { relative = false, alpha = 0.05, tunedFor = 5000 } = options
  const estimate = differenceOf(control, treatment, relative)
  if (estimate === null) return null
  const n = control.count + treatment.count
  const variance = n * estimate.standardError ** 2
  const logAlpha = Math.log(alpha)
  const rhoSquared = (-2 * logAlpha + Math.log(1 - 2 * logAlpha)) / tunedFor
  const grown = n * rhoSquared + 1
  const half = Math.sqrt(variance) * Math.sqrt(((2 * grown) / (n * n * rhoSquared)) * Math.log(Math.sqrt(grown) / alpha))
  const z = estimate.value / estimate.standardError
  const pValue = Math.min(1, Math.sqrt(grown) * Math.exp((-rhoSquared * z * z * n) / (2 * grown)))
  return { ...estimate, lower: estimate.value - half, upper: estimate.value + half, pValue }
}

/** An interval and p-value from a value and its standard error by the normal law. */
export function normalDifference(value: number, standardError: number, alpha = 0.05): Difference {
  const half = -normalQuantile(alpha / 2) * standardError
  return { value, standardError, lower: value - half, upper: value + half, pValue: normalTwoSided(value / standardError) }
}

function differenceOf(control: MeanEstimate, treatment: MeanEstimate, relative: boolean) {
  if (control.count < 2 || treatment.count < 2) return null
  const c = control.variance / control.count
  const t = treatment.variance / treatment.count
  if (!(c + t > 0)) return null
  if (!relative) return { value: treatment.mean - control.mean, standardError: Math.sqrt(c + t) }
  if (control.mean === 0) return null
  const variance = t / control.mean ** 2 + (c * treatment.mean ** 2) / control.mean ** 4
  return { value: (treatment.mean - control.mean) / control.mean, standardError: Math.sqrt(variance) }
}
