import { Type } from '@sinclair/typebox'

const closed = { additionalProperties: false } as const

/** The section `attribution`: how purchases are credited to shown lists; times are event time. */
export const attributionConfig = Type.Object(
  {
    clickWindowMs: Type.Integer({
      minimum: 1,
      default: 604_800_000,
      description: 'How long before a purchase a touch of the same item in a shown list is credited.',
    }),
    viewWindowMs: Type.Integer({
      minimum: 1,
      default: 86_400_000,
      description: 'The same for a showing that nobody touched, and how long a shown list may be touched.',
    }),
    cartWindowMs: Type.Integer({
      minimum: 1,
      default: 86_400_000,
      description: 'After which an item in a cart that was not bought is abandoned.',
    }),
    halfLifeMs: Type.Integer({
      minimum: 1,
      default: 86_400_000,
      description: 'Age at which a touch is credited half as much as a new one.',
    }),
    tileMs: Type.Integer({
      minimum: 60_000,
      default: 86_400_000,
      description:
        'Length of the stretches of event time whose revenue is summed up; change it only after `millrace reset attribution`.',
    }),
    latenessMs: Type.Integer({
      minimum: 0,
      default: 10_000,
      description: 'How far events may come out of order in the attribution.',
    }),
  },
  { ...closed, default: {} },
)
