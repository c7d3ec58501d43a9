import { firstValueFrom, type OperatorFunction, of } from 'rxjs'
import { MillraceError } from '../core/errors.ts'
import type { Batch, TaskInfo, Transaction } from '../ports/batch.ts'
import type { TopicName } from '../schemas/topics.ts'
import type { Graph, StepNode } from './graph.ts'

/**
 * The steps that records of a topic pass one after another, in order, up to where the graph branches or ends; without those of other
 * sources.
 */
export function stepsFrom(graph: Graph, topic: TopicName): readonly StepNode[] {
  const steps: StepNode[] = []
  let at: string = topic
  for (;;) {
    const next = graph.nodes.filter((node): node is StepNode => node.kind === 'step' && node.input === at)
    if (next.length !== 1) return steps
    steps.push(next[0]!)
    at = next[0]!.id
  }
}

/** A batch outside any task: what touches state, dead letters or late records on it throws `MILL_INVARIANT`. */
export function dryBatch<T>(records: readonly T[], task: TaskInfo, topic: TopicName, from: number): Batch<T> {
  return {
    records,
    task,
    topic,
    from,
    to: from + records.length,
    watermarkBeforeMs: Number.NEGATIVE_INFINITY,
    watermarkMs: Number.NEGATIVE_INFINITY,
    topicWatermarkBeforeMs: Number.NEGATIVE_INFINITY,
    transaction: nothing,
  }
}

/** One batch through one operator. Errors: those of the operator. */
export function runOperator<T, U>(operator: OperatorFunction<Batch<T>, Batch<U>>, batch: Batch<T>): Promise<Batch<U>> {
  return firstValueFrom(of(batch).pipe(operator))
}

const refuse = (): never => {
  throw new MillraceError('MILL_INVARIANT', 'a step that keeps state cannot run dry')
}

const nothing: Transaction = {
  load: () => Promise.reject(new MillraceError('MILL_INVARIANT', 'a step that keeps state cannot run dry')),
  get: refuse,
  put: refuse,
  delete: refuse,
  deadLetter: refuse,
  late: refuse,
  setUpstream: refuse,
  upstream: refuse,
}
