import fc from 'fast-check'

/** What may go wrong with one call of a task to the world. */
export const callFaults = ['request lost', 'reply lost', 'partly done', 'done twice', 'done late'] as const
export type CallFault = (typeof callFaults)[number]

/** Where in a batch something happens: when the task waits for this answer; `rest` is wherever it is now. */
export const points = ['rest', 'read', 'score', 'send', 'swap', 'commit'] as const
export type Point = (typeof points)[number]

/** How a task gets another owner. */
export const takeovers = ['zombie', 'closed', 'drained'] as const
export type Takeover = (typeof takeovers)[number]

/**
 * One action of the adversary. Numbers that name something (`which`, `who`) are taken modulo what there is, so that every
 * schedule means something and a shorter one still does.
 */
export type Action =
  | { readonly do: 'fetch'; readonly who: number; readonly count: number; readonly back: number }
  | { readonly do: 'answer'; readonly which: number; readonly times: number }
  | { readonly do: 'fail'; readonly who: number; readonly at: Point; readonly how: CallFault }
  | { readonly do: 'crash'; readonly who: number; readonly at: Point; readonly applied: boolean }
  | { readonly do: 'take over'; readonly who: number; readonly at: Point; readonly how: Takeover; readonly times: number }
  | { readonly do: 'rebalance'; readonly times: number }
  | { readonly do: 'roll back'; readonly who: number; readonly depth: number; readonly noticed: boolean }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'skew'; readonly who: number; readonly ms: number }

/** One run of the simulation: the same schedule gives the same run on every machine. */
export interface Schedule {
  /** Which input log of the scenario. */
  readonly log: number
  /** Decides what the actions leave open: cuts of batches, whose answer comes first. */
  readonly seed: number
  /** Records folded as one batch at most. */
  readonly batchRecordsMax: number
  /** Keys a task remembers. */
  readonly cacheKeysMax: number
  readonly actions: readonly Action[]
}

/** Input logs per scenario; each is made and folded calmly once. */
export const logsMax = 12

const day = 86_400_000
const which = fc.nat({ max: 7 })

const who = which
const at = fc.constantFrom(...points)

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('fetch'), who, count: fc.integer({ min: 1, max: 10 }), back: backs() }),
  },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('answer'), which, times: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fail'), who, at, how: fc.constantFrom(...callFaults) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('crash'), who, at, applied: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('take over'),
      who,
      at,
      how: fc.constantFrom(...takeovers),
      times: fc.constantFrom(1, 1, 1, 1, 4),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rebalance'), times: fc.constantFrom(1, 1, 1, 3) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('roll back'),
      who,
      depth: fc.integer({ min: 1, max: 4 }),
      noticed: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait'), ms: fc.constantFrom(50, 100, 400, 2_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skew'), who, ms: fc.integer({ min: -day, max: day }) }) },
)

/** Schedules of up to 40 actions. */
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  log: fc.nat({ max: logsMax - 1 }),
  seed: fc.nat({ max: 0x7fffffff }),
  batchRecordsMax: fc.constantFrom(1, 3, 8, 100),
  cacheKeysMax: fc.constantFrom(2, 8, 1_000),
  actions: fc.array(action, { minLength: 1, maxLength: 40, size: 'max' }),
})

/** How far a fetch goes back behind what was delivered: mostly not at all. */
function backs(): fc.Arbitrary<number> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }) })
}
