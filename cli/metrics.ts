import type { Metrics } from '../ports/metrics.ts'
import type { Config } from './config.ts'

/** OpenTelemetry metrics and spans; the libraries are loaded only here because they take a while. */
export async function openMetrics(config: Pick<Config, 'telemetry'>): Promise<Metrics> {
  const { OpenTelemetryMetrics } = await import('../connectors/opentelemetry/metrics.ts')
  return OpenTelemetryMetrics.open({ otlpUrl: config.telemetry.otlpUrl })
}
