import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../ports/clock.ts'
import type { ItemTable } from '../ports/item-table.ts'
import { type Device, devices } from '../schemas/user-event.ts'
import { errorSchema } from './error-schema.ts'
import { idSchema } from './id-schema.ts'
import { recommendationAnswerOf, recommendationAnswerSchema } from './recommendation-answer.ts'
import type { RecommendationService } from './recommendation-service.ts'

const options = {
  count: Type.Integer({ minimum: 1, maximum: 50, default: 10, description: 'Items wanted.' }),
  surface: Type.String({ pattern: '^[a-z0-9_-]{1,32}$', default: 'home', description: 'Where they are shown.' }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 4096, description: 'next_cursor of the page before.' })),
  region: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Region, for people not known yet.' })),
  device: Type.Optional(Type.Unsafe<Device>(Type.String({ enum: [...devices], description: 'What they are shown on.' }))),
  decision_log: Type.Boolean({ default: true, description: 'false for a look that nobody is shown.' }),
}
const querySchema = Type.Object(options, { additionalProperties: false })
const bodySchema = Type.Object({ user_id: idSchema('The person.'), ...options }, { additionalProperties: false })
const paramsSchema = Type.Object({ id: idSchema('The person.') })
const response = {
  200: recommendationAnswerSchema,
  400: errorSchema,
  503: errorSchema,
}

/**
 * The answers are made field by field as the schema says, so nothing needs filtering; and a text that a generated serializer puts
 * together from hundreds of pieces must be joined once more before it is sent, which costs as much as making it.
 */
const serializerCompiler = () => (answer: unknown) => JSON.stringify(answer)

/** `GET /v1/users/{id}/recommendations` and `POST /v1/recommend`. */
export function recommendationRoutes(
  app: FastifyInstance,
  { service, items, clock }: { readonly service: RecommendationService; readonly items: ItemTable; readonly clock: Clock },
): void {
  const answer = async (userId: string, asked: Static<typeof querySchema>) => {
    const { count, surface, cursor, region, device } = asked
    const shown = await service.recommend({ userId, count, surface, cursor, region, device, logDecision: asked.decision_log })
    return recommendationAnswerOf(shown, items, clock)
  }
  app.get<{ Params: Static<typeof paramsSchema>; Querystring: Static<typeof querySchema> }>(
    '/v1/users/:id/recommendations',
    {
      schema: { summary: "A person's list, best first", params: paramsSchema, querystring: querySchema, response },
      serializerCompiler,
    },
    ({ params, query }) => answer(params.id, query),
  )
  app.post<{ Body: Static<typeof bodySchema> }>(
    '/v1/recommend',
    { schema: { summary: 'The same, asked for with a body', body: bodySchema, response }, serializerCompiler },
    ({ body }) => answer(body.user_id, body),
  )
}
