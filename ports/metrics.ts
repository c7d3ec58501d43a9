export type Labels = Readonly<Record<string, string | number>>

export interface Counter {
  add(value: number, labels?: Labels): void
}

export interface Histogram {
  record(value: number, labels?: Labels): void
}

/** A span of work; `end` closes it, with the error that ended it if there was one. */
export interface Span {
  end(error?: unknown): void
}

/** Counters, histograms, gauges and spans; names are Prometheus names, units in the name (`_ms`, `_bytes`, `_total`). */
export interface Metrics {
  counter(name: string, description: string): Counter
  /** `bounds` are upper bucket limits, ascending. */
  histogram(name: string, description: string, bounds?: readonly number[]): Histogram
  /** `read` is called whenever the value is collected. */
  gauge(name: string, description: string, read: () => Iterable<{ readonly value: number; readonly labels?: Labels }>): void
  span(name: string, labels?: Labels): Span
  /** Everything in Prometheus text format, or '' where there is no such endpoint. */
  scrape(): Promise<string>
  close(): Promise<void>
}

/** Counts nothing: for tests. */
export const silentMetrics: Metrics = {
  counter: () => ({ add() {} }),
  histogram: () => ({ record() {} }),
  gauge() {},
  span: () => ({ end() {} }),
  scrape: () => Promise.resolve(''),
  close: () => Promise.resolve(),
}
