import { type Static, Type } from '@sinclair/typebox'
import { policyNames } from '../algorithms/bandits/create-policy.ts'
import { areItems, exploredKinds, itemContexts, type PolicyVersion, policyVersion } from '../algorithms/bandits/policy-version.ts'
import { candidateSources } from '../algorithms/candidate-set.ts'
import { fairMethods } from '../algorithms/fair-order.ts'
import { rerankMethods } from '../algorithms/reranker.ts'
import { MillraceError } from '../core/errors.ts'
import { columnContextNames, contextNames } from '../operators/exploration-context.ts'
import { explorationSegments } from '../operators/exploration-segment.ts'
import { oneOf } from './one-of.ts'

const closed = { additionalProperties: false } as const
const section = { ...closed, default: {} } as const

const share = (value: number, description: string) => Type.Number({ minimum: 0, maximum: 1, default: value, description })

const places = (value: number, description: string) => Type.Integer({ minimum: 1, maximum: 100, default: value, description })

const promotion = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 60, description: 'Its name; lists tell it as promotion:<id>.' }),
    field: oneOf(['itemId', 'category', 'brand', 'tag'], { default: 'itemId', description: 'What makes an item promoted.' }),
    values: Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1_000 }),
    slots: Type.Array(Type.Integer({ minimum: 0, maximum: 99 }), { minItems: 1, maxItems: 10, uniqueItems: true }),
    share: share(1, 'Share of lists that carry it.'),
  },
  closed,
)

/** The section `recommendations`: how lists are made. docs/rules.md says what the parts do to a list. */
export const recommendationConfig = Type.Object(
  {
    surface: Type.String({
      pattern: '^[a-z0-9_-]{1,32}$',
      default: 'home',
      description: 'Where the lists of this process are shown: part of their key, and what rules name.',
    }),
    itemsMax: Type.Integer({ minimum: 10, maximum: 200, default: 50, description: 'Items of a list.' }),
    reserveMax: Type.Integer({ minimum: 0, maximum: 200, default: 20, description: 'Spare items kept beside a list.' }),
    candidatesMax: Type.Integer({ minimum: 10, maximum: 2000, default: 400, description: 'Candidates ranked per list.' }),
    perSourceMax: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 50,
      description: 'Candidates that each source may bring.',
    }),
    poolMax: Type.Integer({
      minimum: 10,
      maximum: 500,
      default: 100,
      description: 'Best candidates that re-ranking, promotions and rules choose from.',
    }),
    shedAfterMs: Type.Integer({
      minimum: 100,
      default: 10_000,
      description: 'Age of an event at which its list is made without a model.',
    }),
    heldListsMax: Type.Integer({
      minimum: 1_000,
      maximum: 50_000_000,
      default: 1_000_000,
      description:
        'Stored lists of which is known what they hold, over all processes, about 0.5 KB each: an item that goes leaves those at once, others at their next event.',
    }),
    exactItemsMax: Type.Integer({
      minimum: 0,
      default: 200_000,
      description:
        'Items up to which the nearest ones by vector are searched exactly; above by an approximate index, its recall measured as millrace_ann_recall.',
    }),
    personalHalf: Type.Number({
      exclusiveMinimum: 0,
      maximum: 50,
      default: 1,
      description:
        'Distinct items a person touched at which their own taste has half of the say in their list; the rest follows their choices, their group and what is trending.',
    }),
    blendItemsMax: Type.Integer({
      minimum: 0,
      maximum: 50,
      default: 20,
      description: 'Distinct items touched from which on the own taste has all of the say; 0 = always.',
    }),
    sequenceModel: Type.String({
      default: '',
      description:
        'Model that expects the next items from what a person touched (sasrec, gru4rec, bert4rec, als); empty = none. The items.json of its versions is read from inference.repository, also where other processes serve it.',
    }),
    textModel: Type.String({
      default: 'text_item',
      description:
        'Model that reads the texts of items, used where the workers serve it: cold items are found by it in content and newcomer. Empty = none. The run.json of its versions is read from inference.repository.',
    }),
    sessionRules: Type.Object(
      {
        association: Type.Boolean({
          default: false,
          description:
            'Whether what was touched most often in one session with the newest item (AR) is learned, as the source association.',
        }),
        sequential: Type.Boolean({
          default: false,
          description: 'Whether what was touched most often after it (SR) is learned, as the source sequential.',
        }),
      },
      section,
    ),
    ranker: Type.Object(
      {
        version: Type.String({
          pattern: '^[0-9]{0,15}$',
          default: '',
          description: 'Version of the ranker that scores lists; empty = the one that the workers serve.',
        }),
        rung: oneOf(['ranker', 'linear'], {
          default: 'ranker',
          description: 'The best rung of lists; linear asks no ranker.',
        }),
      },
      section,
    ),
    sources: Type.Record(Type.String(), Type.Number({ minimum: 0, maximum: 10 }), {
      default: {},
      description: `What the scores of a source's candidates are multiplied by, by its name (${candidateSources.join(', ')}); 0 leaves it out, and one that is not named counts 1.`,
    }),
    diversity: Type.Object(
      {
        method: oneOf(rerankMethods, { default: 'mmr', description: 'How lists are made varied; none = by relevance alone.' }),
        lambda: share(0.8, 'Share of relevance in mmr, xquad and calibrated; the rest is for difference.'),
        theta: Type.Number({
          minimum: 0,
          maximum: 0.99,
          default: 0.7,
          description: 'Share of relevance in dpp and sliding-dpp.',
        }),
        window: places(10, 'Places that must differ from each other in sliding-dpp.'),
        places: Type.Integer({
          minimum: 1,
          maximum: 400,
          default: 100,
          description: 'Places the method fills; those after them follow by relevance. Fewer cost less.',
        }),
        serendipityWeight: share(0, 'Share of relevance that only what is unlike the person’s history earns.'),
      },
      section,
    ),
    margin: Type.Object(
      {
        weight: Type.Number({
          minimum: 0,
          maximum: 0.3,
          default: 0,
          description: 'Weight of margin beside relevance: score · (1 + weight · z within the category, clipped to ±1).',
        }),
        stockWeight: share(0, 'How far an item that is nearly sold out steps back; 1 = to nothing.'),
        stockLow: Type.Integer({ minimum: 1, default: 5, description: 'Pieces below which stock is low.' }),
      },
      section,
    ),
    fairness: Type.Object(
      {
        method: oneOf([...fairMethods, 'none'], {
          default: 'none',
          description: 'How groups of items get their share of the first places; fa-ir guards one group.',
        }),
        field: oneOf(['brand', 'category', 'tag'], { default: 'brand', description: 'What makes items one group.' }),
        shares: Type.Record(Type.String(), Type.Number({ exclusiveMinimum: 0, maximum: 1 }), {
          default: {},
          description: 'Wanted share by name of group; empty = its share of the candidates.',
        }),
        alpha: Type.Number({
          minimum: 0.001,
          maximum: 0.5,
          default: 0.1,
          description: 'Chance of mending a list that is fair by chance, in fa-ir.',
        }),
      },
      section,
    ),
    explore: Type.Object(
      {
        enabled: Type.Boolean({ default: true, description: 'Whether lists of this surface explore at all.' }),
        over: oneOf(exploredKinds, {
          default: 'source',
          description:
            'What the bandit chooses: the candidate source of a slot (its best item fills it), its item, the items of the first places (slate), or the ranker.',
        }),
        slot: Type.Integer({
          minimum: 0,
          maximum: 99,
          default: 4,
          description: 'Place from 0 that it fills, unless it fills a slate.',
        }),
        items: Type.Integer({
          minimum: 2,
          maximum: 50,
          default: 10,
          description: 'Best items that an item slot or a slate is drawn from.',
        }),
        places: Type.Integer({ minimum: 2, maximum: 10, default: 3, description: 'First places that a slate fills.' }),
        rankers: Type.Array(Type.String({ pattern: '^([1-9]\\d*|linear)$' }), {
          maxItems: 10,
          default: [],
          description: 'Versions of the ranker that are drawn from (over ranker), and "linear", the rung that asks no model.',
        }),
        looked: Type.Array(Type.Number({ exclusiveMinimum: 0, maximum: 1 }), {
          maxItems: 10,
          default: [],
          description:
            'Chance that each place of a slate is looked at, for learning by position; empty = people read from the top to the first click (cascade).',
        }),
        itemContext: oneOf(itemContexts, {
          default: 'columns',
          description:
            'What a contextual policy sees of an item: columns of the ranker, or its last hidden layer (for neural-linear; learned for each version of the model).',
        }),
        marginalDraws: Type.Integer({
          minimum: 0,
          maximum: 10_000,
          default: 0,
          description:
            'Slates from which the chance of an item to stand in its place whatever stands above is counted, exact where that is no more work; 0 = not logged.',
        }),
        policy: oneOf(policyNames, {
          default: 'beta-thompson',
          description: 'The bandit policy that draws.',
        }),
        settings: Type.Record(Type.String(), Type.Number(), {
          default: {},
          description: 'Settings of the policy by name, e.g. {"alpha": 0.5}. With other settings it begins to learn anew.',
        }),
        halfLifeMs: Type.Number({
          minimum: 0,
          default: 0,
          description: 'Time after which what it learned counts half; 0 = it never forgets.',
        }),
        segmentBy: oneOf(explorationSegments, {
          default: 'none',
          description:
            'What tells lists apart that learn for themselves: nothing, region, device, dearest category, ranker version.',
        }),
        epsilon: Type.Number({
          minimum: 0.001,
          maximum: 1,
          default: 0.05,
          description: 'Share of its draws that is spread evenly over what it draws from.',
        }),
        share: share(1, 'Share of lists that explore.'),
        minimumRelevance: share(
          0,
          'Candidates below are not explored, on a scale from the score of the worst candidate (0) to that of the best (1).',
        ),
      },
      section,
    ),
    promotions: Type.Array(promotion, {
      maxItems: 20,
      default: [],
      description: 'Slots for promoted items: [{id, field, values, slots, share}]. Only a person’s own candidates are promoted.',
    }),
    limits: Type.Object(
      {
        first: places(10, 'Places that the limits are about: what a page shows first.'),
        brandMax: places(3, 'Items of one brand among them.'),
        leafCategoryMax: places(6, 'Items of one last-level category among them, as far as candidates allow.'),
        categoryShareMax: share(0.6, 'Share of one first-level category; 1 = any.'),
        outsideShareMin: share(0.1, 'Share from outside the categories that the person touched most; 0 = none.'),
        tasteMax: Type.Integer({ minimum: 1, maximum: 20, default: 3, description: 'How many categories those are.' }),
        marginMin: Type.Number({ minimum: 0, default: 0, description: 'Least margin of an item, in money; 0 = any.' }),
        diversityMin: share(0.3, 'Least mean difference of two items: 1 − likeness by category and brand; 0 = any.'),
      },
      section,
    ),
  },
  section,
)

export type RecommendationConfig = Static<typeof recommendationConfig>

/** Refuses settings that contradict each other. Errors: `MILL_CONFIG_INVALID` naming the field and the fix. */
export function checkRecommendationConfig({
  sources,
  itemsMax,
  poolMax,
  explore,
  fairness,
  limits,
  promotions,
}: RecommendationConfig): void {
  const sum = Object.values(fairness.shares).reduce((total, one) => total + one, 0)
  const { policy, isContextual, over } = exploringPolicy(explore)
  const seen = areItems(over) ? columnContextNames : contextNames
  const unknown = Object.keys(sources).find((name) => !candidateSources.includes(name as never))
  const ids = promotions.map(({ id }) => id)
  const faults: readonly (readonly [wrong: boolean, field: string, fix: string])[] = [
    [poolMax < itemsMax, 'poolMax', `must be at least itemsMax (${itemsMax})`],
    [limits.first > itemsMax, 'limits.first', `must be at most itemsMax (${itemsMax})`],
    [unknown !== undefined, `sources.${unknown}`, `is no source; there are ${candidateSources.join(', ')}`],
    [explore.slot >= itemsMax, 'explore.slot', `must be below itemsMax (${itemsMax})`],
    [over === 'slate' && explore.places > explore.items, 'explore.places', `must be at most explore.items (${explore.items})`],
    [
      over === 'slate' && explore.items > limits.first,
      'explore.items',
      `must be at most limits.first (${limits.first}) for a slate`,
    ],
    [
      over === 'ranker' && new Set(explore.rankers).size < Math.max(2, explore.rankers.length),
      'explore.rankers',
      'must name at least two, each once',
    ],
    [
      over === 'ranker' && explore.segmentBy === 'model',
      'explore.segmentBy',
      'cannot be model where the ranker is what is drawn',
    ],
    [
      explore.itemContext === 'hidden' && !(areItems(over) && isContextual),
      'explore.itemContext',
      'must be columns unless a contextual policy chooses over item or slate',
    ],
    [policy.width(seen.length) < 1, 'explore.settings', `must have shared of at most ${seen.length}`],
    [
      !areItems(over) && isContextual && policy.armOf('one') === policy.armOf('another'),
      'explore.settings',
      'must have a model per arm (shared 0): all arms see one context',
    ],
    [sum > 1 + 1e-9, 'fairness.shares', `must sum to at most 1, not ${sum}`],
    [
      fairness.method === 'fa-ir' && !(Object.keys(fairness.shares).length === 1 && sum < 1),
      'fairness.shares',
      'must name exactly one group with a share below 1 for fa-ir, e.g. {"Own": 0.3}',
    ],
    [new Set(ids).size < ids.length, 'promotions', 'must have an id of its own each'],
    [promotions.some(({ slots }) => slots.some((slot) => slot >= itemsMax)), 'promotions', `must have slots below ${itemsMax}`],
  ]
  const fault = faults.find(([isWrong]) => isWrong)
  if (fault) throw new MillraceError('MILL_CONFIG_INVALID', `"recommendations.${fault[1]}" ${fault[2]}`)
}

/** The bandit policy of a configuration. Errors: `MILL_CONFIG_INVALID` for a name or setting that it does not have. */
export function exploringPolicy({
  policy,
  settings,
  halfLifeMs,
  over,
  looked,
  itemContext,
}: RecommendationConfig['explore']): PolicyVersion {
  return policyVersion(policy, settings, halfLifeMs, { over, looked, itemContext })
}
