import { MillraceError } from '../core/errors.ts'

/** What a synthetic shop is made from; the same options give the same shop. */
export interface ShopOptions {
  /** Every random choice comes from here. */
  readonly seed: string | number
  /** People, 1–1,000,000. Default 2,000. */
  readonly users?: number
  /** Items at the start, 80–200,000; at most twice as many exist at once later. Default 1,500. */
  readonly items?: number
  /** Simulated time of the first moment, ms since 1970. Default 2026-03-02T18:00Z, a Monday evening. */
  readonly startMs?: number
  /** Events per simulated second, averaged over a day, 0.1–100,000. Default 50. */
  readonly eventsPerSecond?: number
  /** Simulated time per step, 1–1,000 ms: nobody clicks sooner than a second after being shown something. Default 100. */
  readonly stepMs?: number
  /** Slots of a list, 1–50. Default 10. */
  readonly slots?: number
  /** Show requests under way at once, 1–1,024. Default 32. */
  readonly showsMax?: number
  /** Whether the arrival rate follows the hour of the day. Default true. */
  readonly daypart?: boolean
  /** Share of events that arrive late, 0–1. Default 0. */
  readonly lateShare?: number
  /** Most that a late event is late, ms. Default 240,000: inside the allowance of ten minutes. */
  readonly lateMsMax?: number
  /** Share of events that are sent twice, 0–1. Default 0. */
  readonly duplicateShare?: number
  /** Every how many lists the oracle's click-through is computed beside it; 0 = never. Default 25. */
  readonly ceilingEvery?: number
}

export type ResolvedShopOptions = Required<ShopOptions>

const limits: Readonly<Record<string, readonly [number, number]>> = {
  users: [1, 1_000_000],
  items: [80, 200_000],
  eventsPerSecond: [0.1, 100_000],
  stepMs: [1, 1000],
  slots: [1, 50],
  showsMax: [1, 1024],
  lateShare: [0, 1],
  lateMsMax: [1, 86_400_000],
  duplicateShare: [0, 1],
  ceilingEvery: [0, 1_000_000],
}

/** Fills in defaults and checks ranges. Errors: `MILL_CONFIG_INVALID` naming the option and its range. */
export function resolveShopOptions(options: ShopOptions): ResolvedShopOptions {
  const resolved: ResolvedShopOptions = {
    users: 2000,
    items: 1500,
    startMs: Date.UTC(2026, 2, 2, 18),
    eventsPerSecond: 50,
    stepMs: 100,
    slots: 10,
    showsMax: 32,
    daypart: true,
    lateShare: 0,
    lateMsMax: 240_000,
    duplicateShare: 0,
    ceilingEvery: 25,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    seed: options.seed,
  }
  for (const [name, [low, high]] of Object.entries(limits)) {
    const value = resolved[name as keyof ResolvedShopOptions] as number
    if (typeof value !== 'number' || !(value >= low && value <= high))
      throw new MillraceError('MILL_CONFIG_INVALID', `shop option "${name}" is ${value}; it must lie in ${low}–${high}`)
  }
  for (const name of ['users', 'items', 'slots', 'showsMax', 'startMs', 'ceilingEvery'] as const) {
    if (!Number.isSafeInteger(resolved[name]))
      throw new MillraceError('MILL_CONFIG_INVALID', `shop option "${name}" is ${resolved[name]}; it must be a whole number`)
  }
  return resolved
}
