import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { errorSchema } from './error-schema.ts'
import { eventsBodySchema } from './event-body.ts'
import type { EventCollector } from './event-collector.ts'

/** `POST /v1/events`: 202 only once the log has all of them. */
export function eventRoutes(app: FastifyInstance, collector: EventCollector): void {
  app.post<{ Body: Static<typeof eventsBodySchema> }>(
    '/v1/events',
    {
      schema: {
        summary: 'Takes 1–500 events; all or none. Resending is harmless, event ids count once',
        body: eventsBodySchema,
        response: { 202: Type.Object({ accepted: Type.Integer() }), 400: errorSchema, 503: errorSchema },
      },
    },
    async ({ body }, reply) => {
      await collector.collect(body.events)
      return reply.code(202).send({ accepted: body.events.length })
    },
  )
}
