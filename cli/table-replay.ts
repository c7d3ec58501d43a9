import { CandidateSet, sourceCount } from '../algorithms/candidate-set.ts'
import { rankerWidth, writeRankerFeatures } from '../algorithms/ranker-features.ts'
import { MillraceError } from '../core/errors.ts'
import type { ListDraft } from '../operators/list-draft.ts'
import type { Sourced } from '../ports/batch.ts'
import type { Scorer } from '../ports/scorer.ts'
import { dryBatch, runOperator, stepsFrom } from '../runtime/dry-run.ts'
import type { Graph, TableNode } from '../runtime/graph.ts'
import type { FeatureUpdate } from '../schemas/feature-update.ts'
import { recommendations } from '../topologies/recommendations.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { readTopic } from './read-topic.ts'
import { recommendationPorts } from './recommendation-ports.ts'

/** A list to be drafted again. */
export interface ReplayedList {
  readonly update: Sourced<FeatureUpdate>
  readonly itemIds: readonly string[]
  /** Moments of the log's clock: the tables then hold what the log had taken until them, each inclusive. */
  readonly momentsMs: readonly number[]
}

/** By item id, the ranker's row at each of the list's moments. */
export type ReplayedRows = ReadonlyMap<string, readonly Float32Array[]>

/** No vectors are made: models may have changed since. */
export const noScorer: Scorer = {
  ready: () => false,
  score: () => Promise.reject(new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'an audit asks no model')),
}

interface Change {
  readonly table: TableNode['table']
  readonly record: Sourced<unknown>
  readonly partition: number
}

/**
 * Fills the tables of `recommendations` from the log once more, in the order of its clock, and drafts lists on the way as the engine
 * drafts them: candidates of all sources but the models', and the rows of some items. `whole` is false where the log has dropped
 * records of the tables, which may then have held something else. Null, with nothing read, for topics of more than `recordsMax` records:
 * all of them are held at once. A process may have read topics and partitions in another order than the clock's.
 */
export async function replayTables(
  ports: OpenPorts,
  config: Config,
  lists: readonly ReplayedList[],
  recordsMax: number,
): Promise<{ readonly rows: readonly ReplayedRows[]; readonly whole: boolean } | null> {
  const made = recommendationPorts(config, noScorer, ports.clock)
  const graph = recommendations.graph(made)
  const read = await readChanges(ports, graph, recordsMax)
  if (read === null) return null
  const { changes, whole } = read
  const moments = lists.flatMap(({ momentsMs }, list) => momentsMs.map((momentMs, at) => ({ momentMs, list, at })))
  moments.sort((a, b) => a.momentMs - b.momentMs)
  const rows = lists.map(({ itemIds }) => new Map(itemIds.map((itemId) => [itemId, [] as Float32Array[]])))
  let applied = 0
  for (const { momentMs, list, at } of moments) {
    for (; applied < changes.length && changes[applied]!.record.loggedMs <= momentMs; applied++) {
      const { table, record, partition } = changes[applied]!
      table.apply([record], partition)
    }
    const draft = await retrieved(graph, lists[list]!.update)
    for (const [itemId, found] of rows[list]!) found[at] = rowOf(made.catalogue.catalogue, draft, itemId)
  }
  return { rows, whole }
}

async function readChanges(
  ports: OpenPorts,
  graph: Graph,
  recordsMax: number,
): Promise<{ readonly changes: readonly Change[]; readonly whole: boolean } | null> {
  const nodes = graph.nodes.filter((node): node is TableNode => node.kind === 'table')
  let [held, given] = [0, 0]
  for (const { topic } of nodes)
    if ((await ports.log.partitions(topic)) > 0)
      for (const { start, end } of await ports.log.offsets(topic)) {
        held += end - start
        given += end
      }
  if (held > recordsMax) return null
  const changes: Change[] = []
  for (const { topic, table } of nodes)
    for await (const { key, value, partition, offset, loggedMs } of readTopic(ports, topic))
      changes.push({ table, record: { key: key ?? '', value, offset, loggedMs }, partition })
  // The sort is stable: records of one partition and moment keep their order.
  changes.sort((a, b) => a.record.loggedMs - b.record.loggedMs)
  return { changes, whole: changes.length >= given }
}

/** The list with its candidates, before any is taken out. */
async function retrieved(graph: Graph, update: Sourced<FeatureUpdate>): Promise<ListDraft> {
  const task = { topology: 'recommendations', partition: 0, partitions: 1, epoch: 0 }
  let record: unknown = update
  for (const { id, operator } of stepsFrom(graph, 'feature-updates')) {
    record = (await runOperator(operator, dryBatch([record], task, 'feature-updates', update.offset))).records[0]
    if (id === 'retrieve') break
  }
  return record as ListDraft
}

/** The row of one item, whether a source brought it or not. */
function rowOf(catalogue: Parameters<typeof writeRankerFeatures>[3], { set, ranker }: ListDraft, itemId: string): Float32Array {
  const row = catalogue.rowOf(itemId)
  const alone = new CandidateSet(1)
  alone.add(0, row, 1, -1)
  const place = set.rows.subarray(0, set.count).indexOf(row)
  for (let source = 0; source < sourceCount; source++)
    alone.scores[source] = place < 0 ? 0 : set.scores[place * sourceCount + source]!
  const out = new Float32Array(rankerWidth)
  writeRankerFeatures(out, 0, alone, catalogue, ranker)
  return out
}
