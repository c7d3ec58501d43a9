import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { ListStore } from '../ports/list-store.ts'
import type { Metrics } from '../ports/metrics.ts'

export interface HealthRouteOptions {
  readonly lists: Pick<ListStore, 'get'>
  readonly metrics: Metrics
  /** False while what this copy serves from has not caught up; the reason is told. */
  readonly ready: () => { readonly ready: boolean; readonly reason: string }
}

const answer = Type.Object({ status: Type.String(), reason: Type.Optional(Type.String()) })

/** `/live`, `/ready` (features.md F9.8) and `/metrics`. */
export function healthRoutes(app: FastifyInstance, { lists, metrics, ready }: HealthRouteOptions): void {
  app.get('/live', { schema: { summary: 'The process runs', response: { 200: answer } } }, () => ({ status: 'live' }))
  app.get('/ready', { schema: { summary: 'It can answer', response: { 200: answer, 503: answer } } }, async (_, reply) => {
    const own = ready()
    if (!own.ready) return reply.code(503).send({ status: 'not ready', reason: own.reason })
    try {
      await lists.get(['ready'])
    } catch (error) {
      return reply.code(503).send({ status: 'not ready', reason: (error as Error).message })
    }
    return { status: 'ready' }
  })
  app.get('/metrics', { schema: { summary: 'Prometheus metrics' } }, async (_, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.scrape()),
  )
}
