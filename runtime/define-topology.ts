import type { OperatorFunction } from 'rxjs'
import { MillraceError } from '../core/errors.ts'
import type { Batch, Sourced } from '../ports/batch.ts'
import type { ListWrite } from '../ports/list-write.ts'
import type { Keyed } from '../ports/outgoing.ts'
import { type TopicName, type TopicValue, topics } from '../schemas/topics.ts'
import { describeGraph } from './describe-graph.ts'
import { type Graph, inputsOf, type Node, type Table } from './graph.ts'

/** Options of a source; with `timeOf` its records move the task's watermark. */
export interface SourceOptions<N extends TopicName> {
  /** Event time of a value, ms. */
  readonly timeOf?: (value: TopicValue<N>) => number
  /** How far behind the newest event time a record may come, ms; 0 if absent. */
  readonly latenessMs?: number
  /**
   * Whether a record replaces what came before it under its key. Of those that wait together only the newest is then processed: a
   * backlog costs its keys, not its records. Only for topics that Millrace writes: one that does not decode replaces too.
   */
  readonly replacing?: boolean
}

/** A stream of batches inside a topology being defined. */
export interface Stream<T> {
  /** Adds a named step. The id is its metric label, span, log field and dead-letter field: renaming it breaks dashboards. */
  step<U>(id: string, operator: OperatorFunction<Batch<T>, Batch<U>>): Stream<U>
  /** Sends what arrives here to a topic, or swaps it into the list store. */
  sink<N extends TopicName>(target: T extends Keyed<TopicValue<N> | null> ? N : never): void
  sink(target: T extends ListWrite ? 'lists' : never): void
}

/** What a topology's definition is written with. */
export interface TopologyScope<P> {
  /** What the topology asks of the world: candidate sources, inference, options. */
  readonly ports: P
  source<N extends TopicName>(
    topic: N,
    options: SourceOptions<N> & { readonly tombstones: true },
  ): Stream<Sourced<TopicValue<N> | null>>
  source<N extends TopicName>(topic: N, options?: SourceOptions<N>): Stream<Sourced<TopicValue<N>>>
  /** Keeps the whole topic in memory in every process; the topology starts once it has caught up. */
  table<N extends TopicName>(topic: N, table: Table<TopicValue<N>>): void
  /** Joins streams of one record type; each batch passes through once per path. */
  merge<T>(id: string, ...streams: readonly Stream<T>[]): Stream<T>
}

/** A named graph as a value: describe, the test driver, replay and production use this one. */
export interface Topology<P> {
  readonly name: string
  /** The graph with its operators bound to ports; build one per task, operators may hold state of their own. */
  graph(ports: P): Graph
  /** The graph as text; needs no ports. */
  describe(): string
}

/**
 * Defines a topology. Errors, thrown by `graph` and `describe`: `MILL_STEP_NAME_TAKEN`; `MILL_TOPOLOGY_INVALID` for an
 * unknown topic, a topic read twice, a topology without source or sink, or a step that leads nowhere.
 */
export function defineTopology<P>(name: string, build: (scope: TopologyScope<P>) => void): Topology<P> {
  const graph = (ports: P): Graph => {
    const builder = new GraphBuilder(name)
    build({
      ports,
      source: ((topic: TopicName, options: SourceOptions<TopicName> & { tombstones?: boolean } = {}) =>
        builder.source(topic, options)) as never,
      table: (topic, table) => builder.table(topic, table as Table<unknown>),
      merge: ((id: string, ...streams: readonly Stream<unknown>[]) => builder.merge(id, streams)) as never,
    })
    return builder.finish()
  }
  return { name, graph, describe: () => describeGraph(graph(anyPorts as P)) }
}

class GraphBuilder {
  readonly #name: string
  readonly #nodes: Node[] = []
  readonly #ids = new Map<object, string>()

  constructor(name: string) {
    this.#name = name
  }

  source(topic: TopicName, options: SourceOptions<TopicName> & { tombstones?: boolean }): Stream<unknown> {
    this.#checkTopic(topic)
    const timeOf = options.timeOf as ((value: unknown) => number) | undefined
    return this.#add({
      kind: 'source',
      id: topic,
      topic,
      timeOf,
      latenessMs: options.latenessMs ?? 0,
      tombstones: options.tombstones ?? false,
      replacing: options.replacing ?? false,
    })
  }

  table(topic: TopicName, table: Table<unknown>): void {
    this.#checkTopic(topic)
    this.#add({ kind: 'table', id: `table ${topic}`, topic, table })
  }

  merge(id: string, streams: readonly Stream<unknown>[]): Stream<unknown> {
    return this.#add({ kind: 'merge', id, inputs: streams.map((stream) => this.#ids.get(stream)!) })
  }

  finish(): Graph {
    const read = new Set(this.#nodes.flatMap(inputsOf))
    for (const node of this.#nodes) {
      if (node.kind === 'sink' || node.kind === 'table' || read.has(node.id)) continue
      throw new MillraceError(
        'MILL_TOPOLOGY_INVALID',
        `${this.#name}: nothing reads "${node.id}"; end it in a sink or take it out`,
      )
    }
    if (!['source', 'sink'].every((kind) => this.#nodes.some((node) => node.kind === kind))) {
      throw new MillraceError('MILL_TOPOLOGY_INVALID', `${this.#name} has no source that ends in a sink`)
    }
    return { name: this.#name, nodes: this.#nodes }
  }

  #add(node: Node): Stream<unknown> {
    if (this.#nodes.some((other) => other.id === node.id)) {
      throw new MillraceError('MILL_STEP_NAME_TAKEN', `${this.#name} has two nodes named "${node.id}"; rename one`)
    }
    this.#nodes.push(node)
    const stream: Stream<unknown> = {
      step: (id, operator) => this.#add({ kind: 'step', id, input: node.id, operator: operator as never }) as never,
      sink: (target: string) => {
        this.#add({ kind: 'sink', id: `to ${target}`, input: node.id, target: target as TopicName | 'lists' })
      },
    }
    this.#ids.set(stream, node.id)
    return stream
  }

  #checkTopic(topic: string): void {
    if (!(topic in topics))
      throw new MillraceError(
        'MILL_TOPOLOGY_INVALID',
        `${this.#name} reads the unknown topic "${topic}"; topics are in schemas/topics.ts`,
      )
  }
}

/** Stands for any ports while a graph is only described: every property is itself, as a number it is 1. */
const anyPorts: unknown = new Proxy(() => anyPorts, {
  get: (_target, property) => (property === Symbol.toPrimitive ? () => 1 : anyPorts),
  apply: () => anyPorts,
})
