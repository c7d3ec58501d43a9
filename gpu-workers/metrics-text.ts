import type { ModelVersion } from './model-version.ts'

type Line = readonly [labels: string, value: number]

/** The served models' counters in Prometheus text format, under Triton's metric names; durations in whole microseconds. */
export function metricsText(served: readonly ModelVersion[], eventLoopLagMs: number): string {
  const each = (value: (version: ModelVersion) => number): Line[] => served.map((version) => [labelsOf(version), value(version)])
  const microseconds = (ns: number): number => Math.round(ns / 1000)
  const failures = served.flatMap((version): Line[] =>
    Object.entries(version.statistics.failures).map(([reason, count]) => [`${labelsOf(version)},reason="${reason}"`, count]),
  )
  return [
    metric(
      'nv_inference_request_success',
      'counter',
      'Requests answered',
      each(({ statistics }) => statistics.success.count),
    ),
    metric('nv_inference_request_failure', 'counter', 'Requests that failed, by reason', failures),
    metric(
      'nv_inference_count',
      'counter',
      'Rows that ran',
      each(({ statistics }) => statistics.rows),
    ),
    metric(
      'nv_inference_exec_count',
      'counter',
      'Batches that ran',
      each(({ statistics }) => statistics.batches),
    ),
    metric(
      'nv_inference_pending_request_count',
      'gauge',
      'Requests waiting for a run',
      each((version) => version.pending),
    ),
    metric(
      'nv_inference_request_duration_us',
      'counter',
      'Time from arrival to answer',
      each(({ statistics }) => microseconds(statistics.success.ns)),
    ),
    metric(
      'nv_inference_queue_duration_us',
      'counter',
      'Time waiting for a run',
      each(({ statistics }) => microseconds(statistics.queue.ns)),
    ),
    metric(
      'nv_inference_compute_input_duration_us',
      'counter',
      'Time handing inputs over',
      each(({ statistics }) => microseconds(statistics.input.ns)),
    ),
    metric(
      'nv_inference_compute_infer_duration_us',
      'counter',
      'Time in the graph',
      each(({ statistics }) => microseconds(statistics.infer.ns)),
    ),
    metric(
      'nv_inference_compute_output_duration_us',
      'counter',
      'Time taking outputs out',
      each(({ statistics }) => microseconds(statistics.output.ns)),
    ),
    metric(
      'millrace_inference_sessions',
      'gauge',
      'Living sessions, by the execution provider they really run on',
      served.map((version) => [`${labelsOf(version)},provider="${version.info.provider}"`, version.sessions]),
    ),
    metric('millrace_event_loop_lag_ms', 'gauge', 'p99 delay of the thread that serves gRPC, since the last scrape', [
      ['', eventLoopLagMs],
    ]),
  ].join('')
}

function labelsOf(version: ModelVersion): string {
  return `model="${version.model}",version="${version.version}"`
}

function metric(name: string, type: string, help: string, lines: readonly Line[]): string {
  const values = lines.map(([labels, value]) => `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${values.join('')}`
}
