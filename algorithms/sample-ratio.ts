import { invariant } from '../core/invariant.ts'
import { chiSquareTail } from './gamma.ts'

/** Whether people were split as planned. */
export interface SampleRatio {
  readonly chiSquare: number
  readonly pValue: number
  /** p below .001: something loses or adds people in one variant, and no result may be trusted. */
  readonly mismatch: boolean
}

/**
 * Sample-ratio check: χ² = Σ (o − e)² / e over variants of positive weight, degrees of freedom one fewer. `observed` people and
 * `weights` per variant; people in a variant of weight 0 are a mismatch by themselves.
 */
export function sampleRatio(observed: readonly number[], weights: readonly number[], alarmBelow = 0.001): SampleRatio {
  invariant(observed.length === weights.length, 'sample ratio: one weight per variant is needed')
  const people = observed.reduce((a, b) => a + b, 0)
  const total = weights.reduce((a, b) => a + b, 0)
  const live = weights.filter((weight) => weight > 0).length
  if (people === 0 || live === 0) return { chiSquare: 0, pValue: 1, mismatch: false }
  let chiSquare = 0
  weights.forEach((weight, variant) => {
    const expected = (people * weight) / total
    if (weight > 0) chiSquare += (observed[variant]! - expected) ** 2 / expected
    else if (observed[variant]! > 0) chiSquare = Number.POSITIVE_INFINITY
  })
  const pValue = chiSquare === Number.POSITIVE_INFINITY ? 0 : live < 2 ? 1 : chiSquareTail(chiSquare, live - 1)
  return { chiSquare, pValue, mismatch: pValue < alarmBelow }
}
