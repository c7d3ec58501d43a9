import { invariant } from '../core/invariant.ts'
import type { MoveTarget, StateHome } from '../ports/state-home.ts'
import { openTilesFamily, shopperFamily, shownFamily } from './attribute-revenue.ts'
import { dueBucketFamily, dueIndexes, dueIndexFamily } from './event-timers.ts'
import { learnedFamily } from './explorer-sums.ts'
import { tallyFamily } from './fold-experiments.ts'
import { scopeFamily } from './fold-item-signals.ts'
import { itemFamily } from './fold-items.ts'
import { armFamily, policyFamily } from './fold-rewards.ts'
import { userFamily } from './fold-user-events.ts'
import { listFamily, progressFamily } from './join-outcomes.ts'
import { personFamily } from './measure-experiments.ts'
import { tileFamily, variantFamily } from './revenue-sums.ts'
import { openCountsFamily } from './showing-bound.ts'
import { waitingFamily } from './waiting-room.ts'

const dueIndex: NonNullable<StateHome['index']> = {
  of: `${dueBucketFamily.name}:`,
  key: `${dueIndexFamily.name}:`,
  make: (names) => new Map(Array.from(dueIndexes(names.map(Number)), indexEntry)),
}

/**
 * Where the state of each topology belongs, by its name: every family its operators write must be named here; null where they write
 * none.
 */
export const stateHomes: Readonly<Record<string, StateHome | null>> = {
  'user-features': familiesHome({ [userFamily.name]: whole }),
  'item-features': familiesHome({ [itemFamily.name]: whole, [scopeFamily.name]: whole }),
  recommendations: null,
  rewards: {
    ...familiesHome({
      [listFamily.name]: firstPart,
      [progressFamily.name]: numbering,
      [openCountsFamily.name]: numbering,
      [personFamily.name]: whole,
      [dueBucketFamily.name]: dueOf(prefixesOf),
    }),
    index: dueIndex,
  },
  attribution: {
    ...familiesHome({
      [waitingFamily.name]: whole,
      [shownFamily.name]: whole,
      [shopperFamily.name]: whole,
      [tileFamily.name]: numbering,
      [openTilesFamily.name]: numbering,
      [variantFamily.name]: numbering,
      [dueBucketFamily.name]: dueOf((userId) => [userId]),
    }),
    index: dueIndex,
  },
  bandit: familiesHome({ [armFamily.name]: firstPart, [learnedFamily.name]: firstPart, [policyFamily.name]: whole }),
  experiments: familiesHome({ [tallyFamily.name]: whole }),
}

type Part = (name: string, value: Uint8Array, target: MoveTarget) => Uint8Array | null

function familiesHome(families: Readonly<Record<string, Part>>): StateHome {
  return {
    part(key, value, target) {
      const colon = key.indexOf(':')
      const part = families[key.slice(0, colon)]
      invariant(part, 'no operator of the topology is known to write it')
      return part(key.slice(colon + 1), value, target)
    },
  }
}

/** State that is named as its records are. */
function whole(name: string, value: Uint8Array, target: MoveTarget): Uint8Array | null {
  return target.isHome(name) ? value : null
}

/** A task's own counts, as the numbers of its rows and sums of revenue: an old task goes on counting, a new one begins. */
function numbering(_name: string, value: Uint8Array, target: MoveTarget): Uint8Array | null {
  return target.isNew ? null : value
}

/** State named `<record key>/<rest>`; both may have slashes of their own. */
function firstPart(name: string, value: Uint8Array, target: MoveTarget): Uint8Array | null {
  return target.isHome(...prefixesOf(name)) ? value : null
}

function indexEntry([key, numbers]: readonly [string, number[]]): [string, Uint8Array] {
  return [`${dueIndexFamily.name}:${key}`, dueIndexFamily.codec.encode(numbers)]
}

/** The timers of a bucket that belong to lists or people of the target; `recordKeysOf` says for which record keys a timer may stand. */
function dueOf(recordKeysOf: (listKey: string) => string[]): Part {
  return (_name, value, target) => {
    const { entries } = dueBucketFamily.codec.decode(value)
    const here = entries.filter(({ listKey }) => target.isHome(...recordKeysOf(listKey)))
    if (here.length === entries.length) return value
    return here.length === 0 ? null : dueBucketFamily.codec.encode({ entries: here })
  }
}

function prefixesOf(name: string): string[] {
  const prefixes: string[] = []
  for (let at = name.indexOf('/'); at >= 0; at = name.indexOf('/', at + 1)) prefixes.push(name.slice(0, at))
  return prefixes
}
