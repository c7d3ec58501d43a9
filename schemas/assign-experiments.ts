import { assignmentPoint, assignVariant } from '../core/assignment.ts'
import type { Assignment } from './assignment.ts'
import { type Experiment, type ExperimentPolicy, type ExperimentVariant, makesLists } from './experiment.ts'
import type { Device } from './user-event.ts'

/** Who asks for a list, and from where. */
export interface AssignmentRequest {
  readonly userId: string
  readonly surface: string
  readonly region?: string | undefined
  readonly device?: Device | undefined
  /** When it is shown, ms. */
  readonly timeMs: number
}

/** Every experiment that a showing is part of, and what follows for its list. */
export interface Assigned {
  readonly assignments: readonly Assignment[]
  /** The one that decided the policy; else the first of all; null without any. */
  readonly deciding: Assignment | null
  /** Null where no experiment decides. */
  readonly policy: ExperimentPolicy | null
  /** The variant whose settings the person's own list is made with; null where none has any. */
  readonly made: MadeUnder | null
}

/** The variant that a list is made under, of an experiment of which some variant has settings of its own. */
export interface MadeUnder {
  readonly experiment: Experiment
  readonly variant: ExperimentVariant
}

/**
 * The variants of a person: the same for ever on every copy of the gateway, as they follow from hashes alone, and wherever
 * lists are made. One experiment decides the policy and how the own list is made; one that would decide it too leaves the person out, which biases neither, since layers split people independently.
 * A person held out takes part in nothing else.
 */
export function assignExperiments(experiments: readonly Experiment[], request: AssignmentRequest): Assigned {
  const assignments: Assignment[] = []
  let deciding: Assignment | null = null
  let policy: ExperimentPolicy | null = null
  let made: MadeUnder | null = null
  for (const experiment of experiments) {
    if (!applies(experiment, request) || ((policy ?? made) !== null && decides(experiment))) continue
    const variant = variantOf(experiment, request.userId)
    if (!variant) continue
    const assignment = { experiment: experiment.id, variant: variant.name }
    assignments.push(assignment)
    if (variant.policy !== null || makesLists(experiment)) {
      deciding = assignment
      policy = variant.policy
    }
    if (makesLists(experiment)) made = { experiment, variant }
    if (variant.name === experiment.holdout) break
  }
  return { assignments, deciding: deciding ?? assignments[0] ?? null, policy, made }
}

function variantOf(experiment: Experiment, userId: string) {
  const { layer, layerFrom, layerTo, id, variants, coverage, hash } = experiment
  const place = assignmentPoint(`layer/${layer}`, userId)
  if (place < layerFrom || place >= layerTo) return undefined
  const weights = variants.map(({ weight }) => weight)
  return variants[assignVariant(id, userId, weights, { coverage, hash })]
}

function applies({ surfaces, regions, devices, fromMs, toMs }: Experiment, request: AssignmentRequest): boolean {
  return (
    (fromMs === null || request.timeMs >= fromMs) &&
    (toMs === null || request.timeMs < toMs) &&
    holds(surfaces, request.surface) &&
    holds(regions, request.region) &&
    holds(devices, request.device)
  )
}

function holds<T>(wanted: readonly T[], value: T | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value))
}

/** Whether any of its variants decides what is shown: judged for the whole experiment, as leaving out one variant's people would bias it. */
function decides(experiment: Experiment): boolean {
  return makesLists(experiment) || experiment.variants.some(({ policy }) => policy !== null)
}
