import { loadConfig } from '../../cli/config.ts'
import { recommendationPorts } from '../../cli/recommendation-ports.ts'
import { ManualClock } from '../../core/clock.ts'
import type { JoinOptions } from '../../operators/join-outcomes.ts'
import { ExperimentTable } from '../../operators/tables/experiment-table.ts'
import { PurchaseTable } from '../../operators/tables/purchase-table.ts'
import type { LogRecord } from '../../ports/event-log.ts'
import type { Scorer } from '../../ports/scorer.ts'
import type { Topology } from '../../runtime/define-topology.ts'
import type { Graph } from '../../runtime/graph.ts'
import { TopologyDriver } from '../../runtime/topology-driver.ts'
import type { TopicName, TopicValue } from '../../schemas/topics.ts'
import type { UserEvent } from '../../schemas/user-event.ts'
import { WireFormat } from '../../schemas/wire-format.ts'
import { attribution } from '../../topologies/attribution.ts'
import { bandit } from '../../topologies/bandit.ts'
import { experiments } from '../../topologies/experiments.ts'
import { itemFeatures } from '../../topologies/item-features.ts'
import { recommendations } from '../../topologies/recommendations.ts'
import { rewards } from '../../topologies/rewards.ts'
import { userFeatures } from '../../topologies/user-features.ts'
import { experimentOf } from '../gateway/experiment-of.ts'
import { openMs } from '../topologies/shop-events.ts'
import { fakeScores } from './fake-scores.ts'
import { drawEvents, drawItems, drawProfiles, drawShowings, type LoggedValue, logOf } from './input-logs.ts'
import type { Setup } from './simulation.ts'

/** Partitions of every topic of the simulation. */
export const partitions = 2

/** What an output of an undisturbed run looks like. */
export interface Output {
  readonly key: string
  readonly partition: number
  // biome-ignore lint/suspicious/noExplicitAny: each topic has its own value.
  readonly value: any
}

/** An undisturbed run of the same log: a driver that folds every partition in one batch. */
export interface Calm {
  readonly state: readonly ReadonlyMap<string, Uint8Array>[]
  readonly outputs: ReadonlyMap<string, readonly Output[]>
  readonly lists: ReadonlyMap<string, unknown>
}

/** One topology with an input log, and how its undisturbed run ended. */
export interface Scenario extends Setup {
  readonly calm: Calm
  /** Topics its graph may write to. */
  readonly sinks: readonly TopicName[]
}

export const topologyNames = [
  'user-features',
  'item-features',
  'rewards',
  'bandit',
  'experiments',
  'attribution',
  'recommendations',
] as const
export type TopologyName = (typeof topologyNames)[number]

type Inputs = { readonly [N in TopicName]?: readonly LoggedValue<N>[] }

const featurePorts = { features: { latenessMs: 600_000 } }
/** Every row is due: how often an item is sent else depends on how batches are cut. */
export const itemPorts = { itemFeatures: { everyMs: 0 }, purchases: new PurchaseTable(), serve: { ttlS: 60 } }
/** Definitions that stand still. */
export const experimentPorts = { experiments: new ExperimentTable([experimentOf('e0'), experimentOf('e1')]) }
const attributionPorts = {
  attribution: {
    clickWindowMs: 3_000,
    viewWindowMs: 1_500,
    cartWindowMs: 1_000,
    halfLifeMs: 500,
    tileMs: 2_000,
    latenessMs: 200,
  },
}
/** Rows that stand, and in every second log rows that are corrected. */
function rewardPortsOf(log: number): { rewards: JoinOptions } {
  const often = { update: 'provisional', waits: { clickMs: 600, purchaseMs: 1_800 }, outcome: 'sum' } as const
  return { rewards: { waitMs: 1_000, latenessMs: 200, ...(log % 2 === 1 ? often : {}) } }
}

const made = new Map<string, Promise<Scenario>>()
let wire: Promise<WireFormat> | undefined

/** The scenario of a topology on its input log number `log`; made once. */
export function scenarioOf(name: TopologyName, log: number): Promise<Scenario> {
  const id = `${name} ${log}`
  let scenario = made.get(id)
  if (!scenario) {
    scenario = makeScenario(name, log)
    made.set(id, scenario)
  }
  return scenario
}

async function makeScenario(name: TopologyName, log: number): Promise<Scenario> {
  const seed = `log ${log}`
  switch (name) {
    case 'user-features':
      return scenario(userFeatures, featurePorts, { 'user-events': drawEvents(seed), users: drawProfiles(seed) })
    case 'item-features':
      return scenario(itemFeatures, itemPorts, { items: drawItems(seed), 'item-signals': await signalsOf(seed) })
    case 'rewards': {
      const { decisions, events } = drawShowings(seed)
      return scenario(rewards, rewardPortsOf(log), { decisions, 'user-events': events })
    }
    case 'attribution': {
      const { decisions, events } = drawShowings(seed)
      const carted = events.map(({ value, ...event }) => ({ ...event, value: value && cartOrPrice(value) }))
      return scenario(attribution, attributionPorts, { decisions, 'user-events': carted })
    }
    case 'bandit':
      return scenario(bandit, {}, { rewards: await joinedOf(log, 'rewards') })
    case 'experiments':
      return scenario(experiments, experimentPorts, { 'experiment-deltas': await joinedOf(log, 'experiment-deltas') })
    case 'recommendations':
      return recommendationScenario(seed)
  }
}

/** What was bought has a price, and who dismissed something puts it into their cart instead. */
function cartOrPrice(event: UserEvent): UserEvent {
  return event.type === 'dismiss' ? { ...event, type: 'add_to_cart' } : { ...event, price: 1.25 }
}

async function scenario<P>(topology: Topology<P>, ports: P, inputs: Inputs): Promise<Scenario> {
  wire ??= openWire()
  const own = await wire
  const logs = new Map<string, LogRecord[][]>()
  for (const [topic, values] of Object.entries(inputs))
    logs.set(topic, logOf(own, topic as TopicName, values as LoggedValue<TopicName>[], partitions))
  return {
    name: topology.name,
    wire: own,
    inputs: logs,
    partitions,
    graph: () => topology.graph(ports),
    calm: await runCalm(topology, ports, inputs),
    sinks: sinksOf(topology.graph(ports)),
  }
}

/** Lists for the people of `drawEvents`, over a catalogue that stands still and is large to build: all processes share its tables. */
async function recommendationScenario(seed: string): Promise<Scenario> {
  const items = new TopologyDriver(itemFeatures, itemPorts, { partitions })
  await items.send('items', ...drawItems(seed))
  const updates = items
    .readKeyed('item-updates')
    .map(({ value }, offset) => ({ value, key: value.itemId, offset, loggedMs: openMs }))
  const atOnce: Scorer = {
    ready: () => true,
    score: (_model, features, count, outputs) => Promise.resolve(fakeScores(features, count, outputs)),
  }
  const clock = new ManualClock(openMs)
  const tables = recommendationPorts(loadConfig(undefined), atOnce, clock)
  tables.catalogue.apply(updates)
  await tables.catalogue.embed(atOnce, tables.draft.itemModel)
  const rows = await repeatedly(userFeatures, featurePorts, 'user-events', drawEvents(seed), 'feature-updates')
  const inputs = { 'feature-updates': rows.map(({ key, value }) => ({ key, value, loggedMs: value.loggedMs })) }
  const calm = await scenario(recommendations, tables, inputs)
  return { ...calm, graph: (process) => recommendations.graph({ ...tables, ...process }) }
}

async function runCalm<P>(topology: Topology<P>, ports: P, inputs: Inputs): Promise<Calm> {
  const driver = new TopologyDriver(topology, ports, { partitions })
  for (const [topic, values] of Object.entries(inputs)) await driver.send(topic as TopicName, ...(values as never[]))
  const outputs = new Map<string, Output[]>()
  for (const topic of sinksOf(topology.graph(ports)))
    outputs.set(
      topic,
      driver.readKeyed(topic).map(({ key, partition, value }) => ({ key: key ?? '', partition, value })),
    )
  const state = []
  for (let partition = 0; partition < partitions; partition++) state.push(await driver.stateOf(partition))
  return { state, outputs, lists: driver.lists }
}

/** Topics a graph may write to. */
function sinksOf(graph: Graph): TopicName[] {
  const sinks = graph.nodes.flatMap((node) => (node.kind === 'sink' && node.target !== 'lists' ? [node.target] : []))
  return [...new Set<TopicName>([...sinks, 'dead-letters', 'late-records'])]
}

/** Signals as user-features packs them in small batches, some of them sent again as after a crash. */
async function signalsOf(seed: string): Promise<LoggedValue<'item-signals'>[]> {
  const packs = await repeatedly(userFeatures, featurePorts, 'user-events', drawEvents(seed), 'item-signals')
  return packs.map(({ key, partition, value }) => ({ key, partition, value, loggedMs: value.loggedMs }))
}

/** What the join of a log's showings sends to a topic; each source's rows come again from an earlier one on. */
async function joinedOf(log: number, topic: 'rewards' | 'experiment-deltas'): Promise<LoggedValue<never>[]> {
  const { decisions, events } = drawShowings(`log ${log}`)
  const driver = new TopologyDriver(rewards, rewardPortsOf(log), { partitions })
  await driver.send('decisions', ...decisions)
  await driver.send('user-events', ...events)
  const rows = driver
    .readKeyed(topic)
    .map(({ key, value }) => ({ key: key ?? '', value: value as never, loggedMs: value.closedMs }))
  return [...rows.slice(0, 8), ...rows.slice(3)]
}

async function repeatedly<P, I extends TopicName, O extends TopicName>(
  topology: Topology<P>,
  ports: P,
  input: I,
  values: readonly LoggedValue<I>[],
  output: O,
): Promise<{ key: string; partition: number; value: TopicValue<O> }[]> {
  const driver = new TopologyDriver(topology, ports, { partitions })
  const rows: { key: string; partition: number; value: TopicValue<O> }[] = []
  for (let at = 0; at < values.length; at += 3) {
    await driver.send(input, ...(values.slice(at, at + 3) as never[]))
    const sent = driver.readKeyed(output).map((one) => ({ ...one, key: one.key ?? '' }))
    rows.push(...sent, ...(at % 4 === 0 ? sent : []))
  }
  return rows
}

function openWire(): Promise<WireFormat> {
  const schemas: string[] = []
  return WireFormat.open({
    register: (_subject, schema) => Promise.resolve(schemas.push(schema)),
    byId: (id) => Promise.resolve(schemas[id - 1] ?? null),
  })
}
