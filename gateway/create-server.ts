import swagger from '@fastify/swagger'
import { Ajv } from 'ajv'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import type { Logger } from '../ports/logger.ts'
import { answerError } from './error-answer.ts'

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export interface ServerOptions {
  readonly logger: Logger
  /** For the OpenAPI document. */
  readonly title: string
  readonly version: string
  /** Registers the routes. */
  readonly routes: (app: FastifyInstance) => void | Promise<void>
}

/**
 * An HTTP server with what all of ours share: bodies are checked strictly and queries with coercion, every refusal has the one
 * error shape, wrong methods get a 405 with `Allow`, and `/openapi.json` describes the rest. Not listening yet.
 */
export async function createServer(options: ServerOptions): Promise<FastifyInstance> {
  const app = fastify({
    logger: false,
    bodyLimit: 1_048_576,
    requestTimeout: 30_000,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    // Such a key is a field like any other: the schemas refuse it by name and place, and no handler copies unnamed fields.
    onProtoPoisoning: 'ignore',
    onConstructorPoisoning: 'ignore',
    routerOptions: { maxParamLength: 2048 },
    // An address that is none reaches no route, hence no error handler either.
    frameworkErrors: (error, _request, reply: FastifyReply) =>
      reply.code(error.statusCode ?? 400).send({ error: { code: 'MILL_REQUEST_INVALID', message: error.message, field: 'url' } }),
  })
  const strict = createAjv(false)
  const lenient = createAjv(true)
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? strict : lenient).compile(schema as object))
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, options.logger))
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: { code: 'MILL_NOT_FOUND', message: `there is no ${request.method} ${pathOf(request.url)}` } }),
  )
  await app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: options.title, version: options.version } } })
  const known = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const taken = known.get(url) ?? new Set()
    known.set(url, taken)
    for (const name of Array.isArray(method) ? method : [method]) taken.add(name)
  })
  await app.register(async (scope) => {
    await options.routes(scope)
    scope.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
    refuseOtherMethods(scope, known)
  })
  await app.ready()
  return app
}

function refuseOtherMethods(app: FastifyInstance, known: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [url, taken] of [...known]) {
    const allow = [...taken].join(', ')
    app.route({
      url,
      method: methods.filter((method) => !taken.has(method)),
      schema: { hide: true },
      handler: (request, reply) =>
        reply
          .code(405)
          .header('allow', allow)
          .send({ error: { code: 'MILL_REQUEST_INVALID', message: `${pathOf(request.url)} takes ${allow}`, field: 'method' } }),
    })
  }
}

function createAjv(coerces: boolean): Ajv {
  const ajv = new Ajv({ coerceTypes: coerces, useDefaults: true, strict: false })
  ajv.addFormat('date-time', { type: 'string', validate: (text) => dateTime.test(text) && !Number.isNaN(Date.parse(text)) })
  return ajv
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!
}
