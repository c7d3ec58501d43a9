import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../core/errors.ts'
import { ageGroupSymbols, type UserProfile } from '../schemas/user-profile.ts'
import { errorSchema } from './error-schema.ts'
import { idSchema } from './id-schema.ts'
import type { PreferenceCollector, Preferences } from './preference-collector.ts'
import { snakeCased } from './snake-cased.ts'

const name = (description: string) => Type.String({ minLength: 1, maxLength: 128, description })
const paramsSchema = Type.Object({ id: idSchema('The person.') })
const bodySchema = Type.Object(
  {
    categories: Type.Optional(Type.Array(name('Category, any level of the path.'), { maxItems: 32, uniqueItems: true })),
    age_group: Type.Optional(Type.String({ enum: [...ageGroupSymbols], description: 'Age band; never the age.' })),
    gender: Type.Optional(Type.Union([name('As declared.'), Type.Null()])),
    region: Type.Optional(Type.Union([name('Coarse region.'), Type.Null()])),
    consent: Type.Optional(Type.Boolean({ description: 'Whether a profile may be kept.' })),
  },
  { additionalProperties: false },
)
type Body = Static<typeof bodySchema>

/** `POST /v1/users/{id}/preferences`: 202 with the whole profile once the log has it; the next list follows it. */
export function preferenceRoutes(app: FastifyInstance, collector: PreferenceCollector): void {
  app.post<{ Params: Static<typeof paramsSchema>; Body: Body }>(
    '/v1/users/:id/preferences',
    {
      schema: {
        summary: 'Takes what a person chose at onboarding; what is left out stays. Resending is harmless',
        params: paramsSchema,
        body: bodySchema,
        response: { 400: errorSchema, 503: errorSchema },
      },
    },
    async ({ params, body }, reply) => {
      if (Object.keys(body).length === 0)
        throw new MillraceError('MILL_REQUEST_INVALID', 'the body names no preference', { details: { field: 'body' } })
      return reply.code(202).send(snakeCased(await collector.collect(params.id, preferencesOf(body))))
    },
  )
}

function preferencesOf({ categories, age_group, gender, region, consent }: Body): Preferences {
  return {
    ...(categories === undefined ? {} : { preferredCategories: categories }),
    ...(age_group === undefined ? {} : { ageGroup: age_group as UserProfile['ageGroup'] }),
    ...(gender === undefined ? {} : { gender }),
    ...(region === undefined ? {} : { region }),
    ...(consent === undefined ? {} : { consent }),
  }
}
