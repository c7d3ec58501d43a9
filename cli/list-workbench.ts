import { MillraceError } from '../core/errors.ts'
import type { TaskInfo } from '../ports/batch.ts'
import type { Inference } from '../ports/inference.ts'
import type { Scorer } from '../ports/scorer.ts'
import type { SequenceModel } from '../ports/sequence-model.ts'
import { dryBatch, runOperator, stepsFrom } from '../runtime/dry-run.ts'
import { SharedScorer } from '../runtime/shared-scorer.ts'
import { TableReader } from '../runtime/table-reader.ts'
import type { UserFeatures } from '../schemas/user-features.ts'
import type { RecommendationPorts } from '../topologies/recommendations.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { graphsOf } from './topologies.ts'

/** Nobody waits for a dry run: a slow answer of the model is better than a lower rung. */
const deadlineMs = 10_000

/** A scorer for commands: patient, and of one caller. */
export function patientScorer(inference: Inference, ports: Pick<OpenPorts, 'clock' | 'metrics'>): Scorer {
  const limits = { rowsMax: 4096, queueRowsMax: 1 << 22, deadlineMs, retryMs: 1_000 }
  return new SharedScorer(inference, limits, ports.clock, ports.metrics)
}

/** What a step of `recommendations` left of one list. */
export interface DryStep {
  readonly id: string
  /** What came out: a feature update, a draft, or a finished list. */
  readonly record: unknown
  /** The same step run once more on another record. */
  again(record: unknown): Promise<unknown>
}

/**
 * The steps of `recommendations` with tables filled from the log, outside any task: lists are made as the engine makes them, and nothing
 * is written or sent.
 */
export class ListWorkbench {
  readonly ports: RecommendationPorts
  readonly scorer: Scorer
  readonly #graph: ReturnType<typeof graphsOf>['graphs'][number]
  readonly #reader: TableReader
  readonly #partitions: number

  private constructor(config: Config, ports: OpenPorts, scorer: Scorer, sequences?: SequenceModel) {
    const { graphs, tables } = graphsOf({ ...config, topologies: ['recommendations'] }, scorer, ports.clock, { sequences })
    this.ports = tables
    this.scorer = scorer
    this.#graph = graphs[0]!
    this.#partitions = config.partitions
    this.#reader = new TableReader([this.#graph()], ports, config.partitions)
  }

  /** Reads the tables up to what the log holds now. Errors: `MILL_NOT_FOUND` when the topics do not exist; those of the log. */
  static async open(config: Config, ports: OpenPorts, scorer: Scorer, sequences?: SequenceModel): Promise<ListWorkbench> {
    if ((await ports.log.partitions('item-updates')) === 0)
      throw new MillraceError('MILL_NOT_FOUND', 'there are no topics here yet: start an engine on this log first')
    const bench = new ListWorkbench(config, ports, scorer, sequences)
    await bench.#reader.start()
    return bench
  }

  /**
   * One list made of a person's features, step by step, as of their newest event. `listId` is the seed of its exploration: that of a
   * stored list, `<partition>-<offset>`, draws what that list drew.
   */
  async *steps(features: UserFeatures, listId: string | null): AsyncGenerator<DryStep> {
    const [partition, offset] = /^\d+-\d+$/.test(listId ?? '') ? (listId!.split('-').map(Number) as [number, number]) : [0, 0]
    const task: TaskInfo = { topology: 'recommendations', partition, partitions: this.#partitions, epoch: 0 }
    const nowMs = this.ports.clock.nowMs()
    const value = {
      userId: features.userId,
      // Who did nothing yet was last heard of by their profile.
      eventTimeMs: features.lastActiveMs || (features.profile?.updatedMs ?? 0),
      loggedMs: nowMs, // A list is never shed here: the question is what the model says.
      sourceOffset: 0,
      urgency: 'normal',
      moved: [],
      features,
    }
    const batchOf = (record: unknown) => dryBatch([record], task, 'feature-updates', offset)
    let record: unknown = { key: features.userId, value, offset, loggedMs: nowMs }
    for (const { id, operator } of stepsFrom(this.#graph(), 'feature-updates')) {
      const run = async (input: unknown) => (await runOperator(operator, batchOf(input))).records[0]
      record = await run(record)
      yield { id, record, again: run }
    }
  }

  async close(): Promise<void> {
    await this.#reader.stop()
  }
}
