import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { OpenTelemetryMetrics } from '../../connectors/opentelemetry/metrics.ts'

it('is scraped in Prometheus text, and pushes metrics and spans to a collector over OTLP', async () => {
  const posts = new Map<string, number>()
  const collector = createServer((request, response) => {
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    request.on('end', () => {
      posts.set(request.url ?? '', (posts.get(request.url ?? '') ?? 0) + bytes)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const metrics = OpenTelemetryMetrics.open({ otlpUrl: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` })

  metrics.counter('millrace_test_total', 'Things counted.').add(3, { topology: 't' })
  metrics.histogram('millrace_test_ms', 'Time taken.', [1, 10]).record(5)
  metrics.gauge('millrace_test_lag', 'Read when asked.', () => [{ value: 7, labels: { partition: 1 } }])
  metrics.span('t.fold', { topology: 't', step: 'fold' }).end()
  const text = await metrics.scrape()
  expect(text).toMatch(/^millrace_test_total\{.*topology="t".*\} 3$/m)
  expect(text).toMatch(/^millrace_test_ms_bucket\{.*le="10".*\} 1$/m)
  expect(text).toMatch(/^millrace_test_lag\{.*partition="1".*\} 7$/m)

  await metrics.close() // Flushes what was not pushed yet.
  collector.close()
  expect(posts.get('/v1/metrics')).toBeGreaterThan(0)
  expect(posts.get('/v1/traces')).toBeGreaterThan(0)
})
