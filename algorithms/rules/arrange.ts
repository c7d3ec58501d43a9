import { fillQuotas, type Quota, type QuotaInput, type Spread } from './fill-quotas.ts'

/** Something that the finished list is to keep: a rule's quota, or a promise that every list makes. */
export interface ListPromise {
  /** The rule, or `list:` and the name of the promise. */
  readonly id: string
  readonly quotas: readonly Quota[]
  readonly spread?: Spread
}

/** Candidates and pins that promises are kept with. */
export type ArrangeInput = Pick<QuotaInput, 'order' | 'pinned'>

/** An order, and which promises it had to break. */
export interface Arrangement {
  readonly order: Int32Array
  /** Places in `promises`. */
  readonly broken: readonly number[]
}

/**
 * The order nearest to the given one that keeps all promises. Where that is impossible, one promise after another, the most
 * important first, each with as little slack as those before it leave: so the last ones yield first. Nothing but the promises
 * decides: pins stay, no candidate is lost.
 */
export function arrange(input: ArrangeInput, promises: readonly ListPromise[]): Arrangement {
  const order = fillQuotas(joined(input, promises))
  if (order) return { order, broken: [] }
  const held: ListPromise[] = []
  const broken: number[] = []
  let best = unpromised(input)
  promises.forEach((promise, n) => {
    for (let slack = 0; slack <= slackMax(promise); slack++) {
      const looser = loosened(promise, slack)
      const found = fillQuotas(joined(input, [...held, looser]))
      if (!found && slack === 0) broken.push(n)
      if (!found) continue
      best = found
      held.push(looser)
      return
    }
  })
  return { order: best, broken }
}

/** The order with pins in their places and nothing promised. */
export function unpromised(input: ArrangeInput): Int32Array {
  return fillQuotas({ ...input, quotas: [] })!
}

function joined({ order, pinned }: ArrangeInput, promises: readonly ListPromise[]): QuotaInput {
  const quotas = promises.flatMap((promise) => promise.quotas)
  return { order, pinned, quotas, spread: promises.find(({ spread }) => spread !== undefined)?.spread }
}

function slackMax({ quotas }: ListPromise): number {
  return quotas.reduce((most, { first, min }) => Math.max(most, first, min), 0)
}

function loosened({ quotas, ...promise }: ListPromise, slack: number): ListPromise {
  return {
    ...promise,
    quotas: quotas.map((quota) => ({ ...quota, min: Math.max(0, quota.min - slack), max: quota.max + slack })),
  }
}
