import type { OperatorFunction } from 'rxjs'
import type { Batch, Sourced } from '../ports/batch.ts'
import type { TopicName } from '../schemas/topics.ts'

/** What a source reads and how its records carry time. */
export interface SourceNode {
  readonly kind: 'source'
  readonly id: string
  readonly topic: TopicName
  /** Event time of a value, ms; absent = the source does not move the watermark. */
  readonly timeOf: ((value: unknown) => number) | undefined
  /** How far behind the newest event time a record may come, ms. */
  readonly latenessMs: number
  /** Whether null values are records (compacted topics) or dead letters. */
  readonly tombstones: boolean
  /** Whether a record replaces what came before it under its key: while many wait, only the newest of each key goes on. */
  readonly replacing: boolean
}

/** A compacted or broadcast topic that every process holds whole. */
export interface TableNode {
  readonly kind: 'table'
  readonly id: string
  readonly topic: TopicName
  readonly table: Table<unknown>
}

export interface StepNode {
  readonly kind: 'step'
  readonly id: string
  readonly input: string
  readonly operator: OperatorFunction<Batch<unknown>, Batch<unknown>>
}

export interface MergeNode {
  readonly kind: 'merge'
  readonly id: string
  readonly inputs: readonly string[]
}

/** Where records leave: a topic, or `lists` for the list store. */
export interface SinkNode {
  readonly kind: 'sink'
  readonly id: string
  readonly input: string
  readonly target: TopicName | 'lists'
}

export type Node = SourceNode | TableNode | StepNode | MergeNode | SinkNode

/** The graph of one topology with its operators, in order of definition: inputs come before what reads them. */
export interface Graph {
  readonly name: string
  readonly nodes: readonly Node[]
}

/** What a table does with the records of its topic: all partitions, in order per partition, each record once per process. */
export interface Table<T> {
  apply(records: readonly Sourced<T | null>[], partition: number): void
}

/** The topics a graph folds (its sources), in order of definition. */
export function sourceTopics(graph: Graph): readonly TopicName[] {
  return graph.nodes.flatMap((node) => (node.kind === 'source' ? [node.topic] : []))
}

/** The source topics whose records replace each other by key. */
export function replacingTopics(graph: Graph): readonly TopicName[] {
  return graph.nodes.flatMap((node) => (node.kind === 'source' && node.replacing ? [node.topic] : []))
}

/** The ids of the nodes that feed a node. */
export function inputsOf(node: Node): readonly string[] {
  switch (node.kind) {
    case 'merge':
      return node.inputs
    case 'step':
    case 'sink':
      return [node.input]
    default:
      return []
  }
}
