import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../core/errors.ts'
import type { ItemTable } from '../ports/item-table.ts'
import type { ListStore } from '../ports/list-store.ts'
import { listKeys } from '../schemas/list-keys.ts'
import { decodeServed, type ServedNeighbours, type ServedTrend } from '../schemas/served-list.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import { errorSchema } from './error-schema.ts'
import { idSchema } from './id-schema.ts'
import { itemAnswerOf, itemAnswerSchema } from './item-answer.ts'
import { snakeCased } from './snake-cased.ts'

export interface ReadRouteOptions {
  readonly lists: Pick<ListStore, 'get'>
  readonly items: ItemTable
  /** What is known of a person in real time; null = nobody of that id was seen. */
  readonly features: (userId: string) => Promise<UserFeatures | null>
}

const countSchema = Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'Items wanted.' })
const querySchema = Type.Object({ count: countSchema }, { additionalProperties: false })
const itemParams = Type.Object({ id: idSchema('The item.') })
const userParams = Type.Object({ id: idSchema('The person.') })
const scopeParams = Type.Object({
  scope: Type.String({ minLength: 1, maxLength: 256, description: '`all`, `category:<name>` or `region:<name>`.' }),
})
const watermark = Type.String({ format: 'date-time', description: 'Event time of the newest event in it, UTC.' })

const neighboursSchema = Type.Object({
  item_id: Type.String(),
  watermark,
  items: Type.Array(Type.Object({ item_id: Type.String(), weight: Type.Number(), item: itemAnswerSchema })),
})
const trendSchema = Type.Object({
  scope: Type.String(),
  watermark,
  items: Type.Array(
    Type.Object({
      item_id: Type.String(),
      popularity: Type.Number({ description: 'Decayed strength, half-life 7 d.' }),
      trend: Type.Number({ description: 'z score of the last hours against before.' }),
      item: itemAnswerSchema,
    }),
  ),
})

/** Neighbours of an item, trends of a scope, features of a person. */
export function readRoutes(app: FastifyInstance, options: ReadRouteOptions): void {
  for (const kind of ['similar', 'together'] as const) neighbourRoute(app, kind, options)
  app.get<{ Params: Static<typeof scopeParams>; Querystring: Static<typeof querySchema> }>(
    '/v1/trends/:scope',
    {
      schema: {
        summary: 'What is popular and trending in a scope',
        params: scopeParams,
        querystring: querySchema,
        response: { 200: trendSchema, 404: errorSchema },
      },
    },
    ({ params, query }) => trendOf(options, params.scope, query.count),
  )
  app.get<{ Params: Static<typeof userParams> }>(
    '/v1/users/:id/features',
    { schema: { summary: 'What is known of a person in real time', params: userParams, response: { 404: errorSchema } } },
    async ({ params }) => {
      const features = await options.features(params.id)
      if (!features)
        throw new MillraceError('MILL_NOT_FOUND', `nothing is known of the user ${params.id}`, { details: { field: 'id' } })
      return snakeCased(features)
    },
  )
}

function neighbourRoute(app: FastifyInstance, kind: 'similar' | 'together', options: ReadRouteOptions): void {
  const summary = kind === 'similar' ? 'What resembles an item' : 'What is bought with an item'
  app.get<{ Params: Static<typeof itemParams>; Querystring: Static<typeof querySchema> }>(
    `/v1/items/:id/${kind}`,
    { schema: { summary, params: itemParams, querystring: querySchema, response: { 200: neighboursSchema, 404: errorSchema } } },
    async ({ params, query }) => {
      const [text] = await options.lists.get([listKeys[kind](params.id)])
      const neighbours = decodeServed<ServedNeighbours>(text ?? null)
      if (!neighbours && !options.items.get(params.id))
        throw new MillraceError('MILL_NOT_FOUND', `there is no item ${params.id}`, { details: { field: 'id' } })
      return {
        item_id: params.id,
        watermark: new Date(neighbours?.watermarkMs ?? 0).toISOString(),
        items: forSale(neighbours?.items ?? [], options.items, query.count),
      }
    },
  )
}

async function trendOf({ lists, items }: ReadRouteOptions, scope: string, count: number) {
  const [text] = await lists.get([listKeys.trend(scope)])
  const trend = decodeServed<ServedTrend>(text ?? null)
  if (!trend) throw new MillraceError('MILL_NOT_FOUND', `nothing was seen in the scope ${scope}`, { details: { field: 'scope' } })
  return { scope, watermark: new Date(trend.watermarkMs).toISOString(), items: forSale(trend.items, items, count) }
}

/** The first `count` entries that can be bought now, with what the catalogue says of them. */
function forSale<T extends { readonly itemId: string }>(entries: readonly T[], items: ItemTable, count: number) {
  const found = []
  for (const { itemId, ...entry } of entries) {
    if (found.length === count) break
    const item = items.get(itemId)
    if (item && item.stock !== 0) found.push({ item_id: itemId, ...entry, item: itemAnswerOf(item) })
  }
  return found
}
