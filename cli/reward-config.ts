import { Type } from '@sinclair/typebox'
import { outcomeFunctions } from '../algorithms/combine-outcomes.ts'
import { rewardUpdates } from '../operators/outcome-waits.ts'
import { oneOf } from './one-of.ts'

const closed = { additionalProperties: false } as const
/** 30 days: as long as `rewards` keeps the row that a correction takes back. */
const waitMsMax = 2_592_000_000

/** The section `rewards`: how showings are joined with what followed. */
export const rewardConfig = Type.Object(
  {
    waitMs: Type.Integer({
      minimum: 1,
      maximum: waitMsMax,
      default: 1_800_000,
      description: 'How long outcomes are waited for after a showing.',
    }),
    waits: Type.Object(
      {
        clickMs: ownWait('clicks and views'),
        likeMs: ownWait('likes'),
        cartMs: ownWait('add-to-carts'),
        purchaseMs: ownWait('purchases'),
        dismissMs: ownWait('dismissals'),
      },
      { ...closed, default: {} },
    ),
    update: oneOf(rewardUpdates, {
      default: 'hold',
      description:
        'When the row of a showing leaves: hold = once the shortest wait is over; provisional = as soon as event time has passed the showing, with the default reward. What comes later within its own wait is a correction.',
    }),
    openMax: Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      default: 1_000_000,
      description:
        'Showings that one partition takes in within the longest wait; one more is not joined but goes whole to late-records (join-full). Each takes as many bytes as its decision.',
    }),
    latenessMs: Type.Integer({
      minimum: 0,
      default: 10_000,
      description: 'How far events may come out of order in the join.',
    }),
    outcome: oneOf(outcomeFunctions, {
      default: 'max',
      description: 'How several outcomes of one shown item become its reward.',
    }),
    dismissed: Type.Number({
      minimum: -1,
      maximum: 0,
      default: 0,
      description: 'Reward of a dismissal; below 0 only where every reader of rewards can do with that.',
    }),
    default: Type.Number({
      minimum: -1,
      maximum: 1,
      default: 0,
      description: 'Reward of a shown item that nothing followed.',
    }),
  },
  { ...closed, default: {} },
)

/** The wait of one type of outcome. */
function ownWait(of: string) {
  return Type.Integer({
    minimum: 0,
    maximum: waitMsMax,
    default: 0,
    description: `The wait of ${of}, e.g. days; 0 = rewards.waitMs.`,
  })
}
