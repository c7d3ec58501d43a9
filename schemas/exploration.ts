import { optional, recordSchema } from './record-schema.ts'

/**
 * How the slots that a policy fills were chosen: what an estimate of another policy, and a replay of this one, need beside the outcome.
 * The slots themselves are those that say `explored`; each has its own propensity, in a slate given what stands in the explored slots above.
 */
export interface Exploration {
  /**
   * What its arms are: candidate sources of a slot (`source`), items of a slot (`item`), items of the first places (`slate`),
   * versions of the ranker (`ranker`): then every slot is explored, with the chance of the list's ranker, and `rankerArm` is what was drawn.
   */
  readonly over: string
  /** 0-based place of the first such slot. */
  readonly slot: number
  /** Slots it drew, one after the other without replacement; a page may show fewer. */
  readonly places: number
  /** The bandit policy that drew, and its settings as text (algorithms/bandits/policy-version.ts); '' in old records. */
  readonly policy: string
  readonly version: string
  /** Whose sums it drew with: '' = everybody's, else a region, a device, a category or a model version. */
  readonly segment: string
  /** Arms it drew from, and the chance of each to fill the first slot, the floor included; they sum to 1. */
  readonly arms: readonly string[]
  readonly chances: readonly number[]
  /** Draws the chances were counted from; 0 = exact. */
  readonly draws: number
  /** Share spread evenly over the arms. */
  readonly epsilon: number
  /** Rows of rewards it had learned from then, corrections too: with them its sums are known again (`BanditUpdate.version`). */
  readonly learned: number
  /** Time its sums had faded to; 0 where they do not fade. */
  readonly fadedToMs: number
  /**
   * What it saw (operators/exploration-context.ts): of the person and the moment, or of each item, arms × numbers; empty where it does not
   * look.
   */
  readonly context: readonly number[]
  /** Of a slate: chance of each drawn item to stand in its slot whatever stands above, first slot first; empty = not known. */
  readonly marginals: readonly number[]
  /** Slates the marginals were counted from; 0 = exact. */
  readonly marginalDraws: number
}

/** The arm of a policy over rankers that asks no model. */
export const linearRanker = 'linear'

/** The arm that a list is of where a policy chose its ranker: the version of the model that scored it, or the rung that did without. */
export function rankerArm({ rung, modelVersion }: { readonly rung: string; readonly modelVersion: string }): string {
  return rung === 'ranker' ? modelVersion : rung
}

/** The arm that filled a slot. */
export function armOfSlot(
  over: string,
  slot: { readonly itemId: string; readonly source: string },
  list: Parameters<typeof rankerArm>[0],
): string {
  if (over === 'source') return slot.source
  return over === 'ranker' ? rankerArm(list) : slot.itemId
}

/** What records from before a field was told say of it. */
export const explorationDefaults = {
  version: '',
  segment: '',
  epsilon: 0,
  learned: 0,
  fadedToMs: 0,
  context: [] as number[],
  places: 1,
  marginals: [] as number[],
  marginalDraws: 0,
  over: 'source',
}

const explorationSchema = recordSchema<Exploration>('Exploration', 'How the slots that a policy fills were chosen.', [
  { name: 'slot', type: 'int', doc: '0-based place of the first such slot.' },
  { name: 'policy', type: 'string', doc: 'The bandit policy that drew.' },
  { name: 'arms', type: { type: 'array', items: 'string' }, doc: 'Arms it drew from.' },
  {
    name: 'chances',
    type: { type: 'array', items: 'double' },
    doc: 'Chance of each arm to fill the first slot, the floor included.',
  },
  { name: 'draws', type: 'int', doc: 'Draws the chances were counted from; 0 = exact.' },
  { name: 'version', type: 'string', doc: 'Settings of the policy as text.', default: '' },
  { name: 'segment', type: 'string', doc: 'Whose sums it drew with; empty = those of everybody.', default: '' },
  { name: 'epsilon', type: 'double', doc: 'Share spread evenly over the arms.', default: 0 },
  { name: 'learned', type: 'long', doc: 'Rows of rewards it had learned from then.', default: 0 },
  { name: 'fadedToMs', type: 'long', doc: 'Time its sums had faded to; 0 = they do not fade.', default: 0 },
  { name: 'context', type: { type: 'array', items: 'double' }, doc: 'What it saw of the person, or of each arm.', default: [] },
  { name: 'over', type: 'string', doc: 'What its arms are: source, item, items of a slate, or ranker.', default: 'source' },
  { name: 'places', type: 'int', doc: 'Slots it drew, one after the other.', default: 1 },
  {
    name: 'marginals',
    type: { type: 'array', items: 'double' },
    doc: 'Of a slate: chance of each drawn item in its slot whatever stands above.',
    default: [],
  },
  { name: 'marginalDraws', type: 'int', doc: 'Slates the marginals were counted from; 0 = exact.', default: 0 },
])

/** The field as records carry it. */
export const explorationField = optional(
  'exploration',
  explorationSchema.definition,
  'How the explored slots were chosen; null without one.',
)
