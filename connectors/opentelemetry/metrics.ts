import { type Attributes, metrics as api, type Meter, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http'
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { type IMetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
import { NodeSDK } from '@opentelemetry/sdk-node'
import type { Counter, Histogram, Labels, Metrics, Span } from '../../ports/metrics.ts'

export interface OpenTelemetryOptions {
  /** Base URL of an OTLP/HTTP collector, e.g. `http://127.0.0.1:4318`; '' sends nothing and makes no spans. */
  readonly otlpUrl: string
  /** How often metrics are pushed; 10 s by default. */
  readonly pushMs?: number
}

const noSpan: Span = { end() {} }

/**
 * Metrics and spans over OpenTelemetry: scraped in Prometheus text, and pushed over OTLP where a collector is configured. One
 * per process: the OpenTelemetry API is global.
 */
export class OpenTelemetryMetrics implements Metrics {
  readonly #sdk: NodeSDK
  readonly #meter: Meter
  readonly #tracer: Tracer | null
  readonly #prometheus: PrometheusExporter

  private constructor(sdk: NodeSDK, prometheus: PrometheusExporter, traced: boolean) {
    this.#sdk = sdk
    this.#prometheus = prometheus
    this.#meter = api.getMeter('millrace')
    this.#tracer = traced ? trace.getTracer('millrace') : null
  }

  static open(options: OpenTelemetryOptions): OpenTelemetryMetrics {
    const { otlpUrl, pushMs = 10_000 } = options
    const prometheus = new PrometheusExporter({ preventServerStart: true })
    const readers: IMetricReader[] = [prometheus]
    if (otlpUrl !== '') {
      const exporter = new OTLPMetricExporter({ url: `${otlpUrl.replace(/\/$/, '')}/v1/metrics` })
      readers.push(new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: pushMs, exportTimeoutMillis: pushMs }))
    }
    const sdk = new NodeSDK({
      serviceName: 'millrace',
      autoDetectResources: false,
      instrumentations: [],
      metricReaders: readers,
      logRecordProcessors: [],
      ...(otlpUrl === ''
        ? { spanProcessors: [] }
        : { traceExporter: new OTLPTraceExporter({ url: `${otlpUrl.replace(/\/$/, '')}/v1/traces` }) }),
    })
    sdk.start()
    return new OpenTelemetryMetrics(sdk, prometheus, otlpUrl !== '')
  }

  counter(name: string, description: string): Counter {
    const counter = this.#meter.createCounter(name, { description })
    return { add: (value, labels) => counter.add(value, labels as Attributes) }
  }

  histogram(name: string, description: string, bounds?: readonly number[]): Histogram {
    const advice = bounds === undefined ? {} : { advice: { explicitBucketBoundaries: [...bounds] } }
    const histogram = this.#meter.createHistogram(name, { description, ...advice })
    return { record: (value, labels) => histogram.record(value, labels as Attributes) }
  }

  gauge(name: string, description: string, read: () => Iterable<{ readonly value: number; readonly labels?: Labels }>): void {
    this.#meter.createObservableGauge(name, { description }).addCallback((result) => {
      for (const { value, labels } of read()) result.observe(value, labels as Attributes)
    })
  }

  span(name: string, labels?: Labels): Span {
    if (!this.#tracer) return noSpan
    const span = this.#tracer.startSpan(name, labels ? { attributes: labels as Attributes } : {})
    return {
      end(error) {
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) })
        span.end()
      },
    }
  }

  async scrape(): Promise<string> {
    const { resourceMetrics } = await this.#prometheus.collect()
    return new PrometheusSerializer().serialize(resourceMetrics)
  }

  /** Sends what is to be sent, and gives the global API back: whoever opens metrics next is not told of by what was closed. */
  async close(): Promise<void> {
    try {
      await this.#sdk.shutdown()
    } finally {
      api.disable()
      trace.disable()
    }
  }
}
