import { merge, type Observable, Subject, share, tap } from 'rxjs'
import { invariant } from '../core/invariant.ts'
import type { Batch } from '../ports/batch.ts'
import type { Clock } from '../ports/clock.ts'
import type { Counter, Histogram, Metrics } from '../ports/metrics.ts'
import { type Graph, inputsOf, type Node, type SinkNode } from './graph.ts'

/** Collects what reaches a sink. */
export type SinkHandler = (sink: SinkNode, batch: Batch<unknown>) => void

/** Metrics that every step of every topology has; one set per process. */
export class StepMetrics {
  readonly records: Counter
  readonly durations: Histogram
  readonly #metrics: Metrics
  readonly clock: Clock

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics
    this.clock = clock
    this.records = metrics.counter('millrace_step_records_total', 'Records into and out of a step.')
    this.durations = metrics.histogram(
      'millrace_step_duration_ms',
      'Milliseconds from a batch entering a step to its leaving it.',
    )
  }

  span(topology: string, step: string) {
    return this.#metrics.span(`${topology}.${step}`, { topology, step })
  }
}

/**
 * A graph brought to life for one task: RxJS chains from one subject per source to its sinks. It runs one batch at a time and
 * knows when a batch is finished: every sink on its way has seen it.
 */
export class RunningGraph {
  readonly #graph: Graph
  readonly #sources = new Map<string, Subject<Batch<unknown>>>()
  /** How many sink arrivals a batch of a topic makes; a tick enters all sources. */
  readonly #arrivals = new Map<string, number>()
  #running: { left: number; done: () => void; failed: (error: unknown) => void } | undefined
  #closed = false

  constructor(graph: Graph, metrics: StepMetrics, onSink: SinkHandler) {
    this.#graph = graph
    const streams = new Map<string, Observable<Batch<unknown>>>()
    for (const node of graph.nodes) {
      switch (node.kind) {
        case 'source': {
          const subject = new Subject<Batch<unknown>>()
          this.#sources.set(node.topic, subject)
          this.#arrivals.set(node.topic, countPaths(graph, node.id))
          streams.set(node.id, subject)
          break
        }
        case 'merge':
          streams.set(node.id, merge(...node.inputs.map((input) => streams.get(input)!)).pipe(share()))
          break
        case 'step':
          streams.set(node.id, streams.get(node.input)!.pipe(measured(graph.name, node, metrics), share()))
          break
        case 'sink':
          streams.get(node.input)!.subscribe({
            // What is thrown in here RxJS would throw at the process, not at us.
            next: (batch) => {
              try {
                onSink(node, batch)
                this.#arrived()
              } catch (error) {
                this.#fail(error)
              }
            },
            error: (error: unknown) => this.#fail(error),
            complete: () => this.#fail(new Error(`${graph.name}: the stream into ${node.id} completed by itself`)),
          })
          break
        case 'table':
          break
      }
    }
  }

  /** Runs a batch (a tick when its topic is '') to its end; rejects with what a step threw, and the graph is then dead. */
  run(batch: Batch<unknown>): Promise<void> {
    invariant(!this.#running && !this.#closed, `${this.#graph.name} was given a batch while another runs or after it died`)
    return new Promise((resolve, reject) => {
      const sources = batch.topic === '' ? [...this.#sources.keys()] : [batch.topic]
      const left = sources.reduce((sum, topic) => sum + this.#arrivals.get(topic)!, 0)
      this.#running = { left, done: resolve, failed: reject }
      for (const topic of sources) if (!this.#closed) this.#sources.get(topic)!.next(batch)
    })
  }

  close(): void {
    this.#closed = true
    for (const source of this.#sources.values()) source.unsubscribe()
  }

  #arrived(): void {
    const running = this.#running
    invariant(running, `${this.#graph.name}: a step emitted a batch that nobody gave it`)
    running.left--
    if (running.left > 0) return
    this.#running = undefined
    running.done()
  }

  #fail(error: unknown): void {
    if (this.#closed) return
    this.#closed = true
    const running = this.#running
    this.#running = undefined
    running?.failed(error)
  }
}

/** The number of ways from a source to sinks: each is one arrival of the batch. */
function countPaths(graph: Graph, from: string): number {
  let arrivals = 0
  const paths = new Map<string, number>([[from, 1]])
  for (const node of graph.nodes) {
    let ways = 0
    for (const input of inputsOf(node)) ways += paths.get(input) ?? 0
    if (ways === 0) continue
    if (node.kind === 'sink') arrivals += ways
    else paths.set(node.id, ways)
  }
  return arrivals
}

/** Wraps a step with what no author repeats: records in and out, duration, span. */
function measured(topology: string, node: Node & { kind: 'step' }, metrics: StepMetrics) {
  const into = { topology, step: node.id, direction: 'in' }
  const outOf = { topology, step: node.id, direction: 'out' }
  const labels = { topology, step: node.id }
  let startMs = 0
  let span: ReturnType<StepMetrics['span']> | undefined
  return (input: Observable<Batch<unknown>>): Observable<Batch<unknown>> =>
    input.pipe(
      tap((batch) => {
        startMs = metrics.clock.elapsedMs()
        span = metrics.span(topology, node.id)
        metrics.records.add(batch.records.length, into)
      }),
      node.operator,
      tap({
        next: (batch) => {
          metrics.durations.record(metrics.clock.elapsedMs() - startMs, labels)
          metrics.records.add(batch.records.length, outOf)
          span?.end()
        },
        error: (error) => span?.end(error),
      }),
    )
}
