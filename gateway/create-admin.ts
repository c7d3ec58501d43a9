import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { MillraceError } from '../core/errors.ts'
import type { EngineControl } from '../ports/engine-control.ts'
import type { Logger } from '../ports/logger.ts'
import { createServer } from './create-server.ts'
import { errorSchema } from './error-schema.ts'

export interface AdminOptions {
  readonly control: EngineControl
  readonly logger: Logger
  readonly version: string
}

const paramsSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 64, description: 'The topology.' }) })
const actions = ['pause', 'resume', 'drain'] as const

/** The HTTP side for operators: what the `millrace` command talks to. It has no keys of its own: bind it to localhost. */
export function createAdmin({ control, logger, version }: AdminOptions): Promise<FastifyInstance> {
  const named = async (name: string) => {
    const found = (await control.status()).find((topology) => topology.name === name)
    if (!found) throw new MillraceError('MILL_NOT_FOUND', `no topology ${name} runs here`, { details: { field: 'name' } })
    return found
  }
  return createServer({
    logger,
    title: 'Millrace administration',
    version,
    routes: (app) => {
      app.get('/live', { schema: { summary: 'The process runs' } }, () => ({ status: 'live' }))
      app.get('/admin/topologies', { schema: { summary: 'All topologies with their tasks' } }, async () => ({
        ready: control.ready(),
        topologies: await control.status(),
      }))
      app.get<{ Params: Static<typeof paramsSchema> }>(
        '/admin/topologies/:name',
        { schema: { summary: 'One topology', params: paramsSchema, response: { 404: errorSchema } } },
        ({ params }) => named(params.name),
      )
      for (const action of actions) {
        app.post<{ Params: Static<typeof paramsSchema> }>(
          `/admin/topologies/:name/${action}`,
          { schema: { summary: `${action} one topology`, params: paramsSchema, response: { 404: errorSchema } } },
          async ({ params, ip }) => {
            await named(params.name)
            logger.info({ topology: params.name, action, ip }, 'an operator acts')
            await control[action](params.name)
            return named(params.name)
          },
        )
      }
    },
  })
}
