import { join } from 'node:path'
import { freePort } from '../../../cli/services/free-port.ts'
import { type KafkaNode, kafkaClusterId, startKafkaNode } from '../../../cli/services/kafka-service.ts'
import type { ServiceProcess } from '../../../cli/services/service-process.ts'
import { artifactsDir } from '../../../cli/services/services.ts'
import { kafkaCluster } from '../../../connectors/kafka/kafka-cluster.ts'
import { kafkajs } from '../../../connectors/kafka/kafkajs.ts'

/** Three Kafka brokers with three copies of everything, each of which can be stopped, killed and started again. */
export class BrokerTrio {
  readonly #dir: string
  readonly #nodes: readonly KafkaNode[]
  readonly #clusterId = kafkaClusterId()
  readonly #processes = new Map<number, ServiceProcess>()

  private constructor(dir: string, nodes: readonly KafkaNode[]) {
    this.#dir = dir
    this.#nodes = nodes
  }

  static async start(dir: string): Promise<BrokerTrio> {
    const nodes: KafkaNode[] = []
    for (const id of [1, 2, 3])
      nodes.push({ id, port: await freePort(0, 'kafka'), controllerPort: await freePort(0, 'kafka controller') })
    const trio = new BrokerTrio(dir, nodes)
    await trio.start(trio.ids)
    return trio
  }

  get ids(): number[] {
    return this.#nodes.map(({ id }) => id)
  }

  get addresses(): string[] {
    return this.#nodes.map(({ port }) => `127.0.0.1:${port}`)
  }

  /** Starts brokers on the data they had. */
  async start(ids: readonly number[]): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const common = { cacheDir: artifactsDir(), detached: false, log() {}, clusterId: this.#clusterId, small: true }
        const node = this.#nodes[id - 1]!
        this.#processes.set(id, await startKafkaNode({ ...common, dir: join(this.#dir, String(id)), node, nodes: this.#nodes }))
      }),
    )
  }

  /** `SIGTERM` lets a broker hand its partitions over first, `SIGKILL` does not. Resolves when it is gone. */
  async stop(ids: readonly number[], signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await Promise.all(
      ids.map(async (id) => {
        const broker = this.#processes.get(id)
        this.#processes.delete(id)
        if (broker && signal === 'SIGKILL') process.kill(broker.pid, signal)
        await broker?.stop()
      }),
    )
  }

  /** The broker that leads a partition now. */
  async leaderOf(topic: string, partition: number): Promise<number> {
    const admin = this.#client().admin()
    await admin.connect()
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics[0]!.partitions.find(({ partitionId }) => partitionId === partition)!.leader
    } finally {
      await admin.disconnect()
    }
  }

  /** The broker that coordinates a consumer group now. */
  async coordinatorOf(groupId: string): Promise<number> {
    const cluster = kafkaCluster(this.#client())
    await cluster.connect()
    try {
      const coordinator = await cluster.findGroupCoordinator({ groupId })
      return (coordinator as unknown as { readonly nodeId: number }).nodeId
    } finally {
      await cluster.disconnect()
    }
  }

  #client() {
    return new kafkajs.Kafka({ brokers: this.addresses, logLevel: kafkajs.logLevel.NOTHING })
  }
}
