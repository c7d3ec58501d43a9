import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import { createServer } from './create-server.ts'
import type { EventCollector } from './event-collector.ts'
import { eventRoutes } from './event-routes.ts'
import { healthRoutes } from './health-routes.ts'
import { KeyLimit } from './key-limit.ts'
import type { PreferenceCollector } from './preference-collector.ts'
import { preferenceRoutes } from './preference-routes.ts'
import { type ReadRouteOptions, readRoutes } from './read-routes.ts'
import { recommendationRoutes } from './recommendation-routes.ts'
import type { RecommendationService } from './recommendation-service.ts'

/** What the HTTP gateway stands on. */
export interface GatewayOptions extends ReadRouteOptions {
  readonly service: RecommendationService
  readonly collector: EventCollector
  readonly preferences: PreferenceCollector
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /** For the OpenAPI document. */
  readonly version: string
  /** Keys of which one must come as `x-api-key` to anything under /v1, 100 requests a second each; none = open. */
  readonly apiKeys?: readonly string[]
  /** Whether this copy may be sent requests; always by default. */
  readonly ready?: () => { readonly ready: boolean; readonly reason: string }
}

/**
 * The HTTP side for front ends: lists, events, neighbours, trends, features, health, metrics and the OpenAPI document. It holds
 * no state of its own: any number of copies may stand behind a balancer. Call `listen` on it, and `close` before the ports.
 */
export function createGateway(options: GatewayOptions): Promise<FastifyInstance> {
  const ready = options.ready ?? (() => ({ ready: true, reason: '' }))
  return createServer({
    logger: options.logger,
    title: 'Millrace',
    version: options.version,
    routes: (app) => {
      measure(app, options)
      if (options.apiKeys && options.apiKeys.length > 0) guard(app, new KeyLimit(options.apiKeys, options.clock))
      recommendationRoutes(app, options)
      eventRoutes(app, options.collector)
      preferenceRoutes(app, options.preferences)
      readRoutes(app, options)
      healthRoutes(app, { ...options, ready })
      app.addHook('onClose', () => Promise.all([options.collector.close(), options.preferences.close()]))
    },
  })
}

function measure(app: FastifyInstance, { metrics }: GatewayOptions): void {
  const durations = metrics.histogram(
    'millrace_gateway_request_ms',
    'Time to answer a request.',
    [1, 2, 5, 10, 20, 50, 100, 500, 2000],
  )
  app.addHook('onResponse', (request, reply, done) => {
    durations.record(reply.elapsedTime, { route: request.routeOptions.url ?? '', status: reply.statusCode })
    done()
  })
}

function guard(app: FastifyInstance, limit: KeyLimit): void {
  app.addHook('onRequest', async (request: FastifyRequest, reply) => {
    if (!request.url.startsWith('/v1/')) return
    const key = request.headers['x-api-key']
    const verdict = limit.take(typeof key === 'string' ? key : undefined)
    if (verdict === 'pass') return
    const limited = verdict === 'limited'
    if (limited) void reply.header('retry-after', '1')
    await reply.code(limited ? 429 : 401).send({
      error: {
        code: limited ? 'MILL_BUFFER_FULL' : 'MILL_REQUEST_INVALID',
        message: limited ? 'more than 100 requests a second with this key' : 'send a known API key in the header x-api-key',
        field: 'x-api-key',
      },
    })
  })
}
