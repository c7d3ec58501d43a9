import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { findJava } from './java.ts'
import { kafkaJars } from './maven-artifacts.ts'
import { runCommand } from './run-command.ts'
import type { Service, ServiceOptions } from './service.ts'
import { type ServiceProcess, startProcess } from './service-process.ts'

const startTimeoutMs = 90_000
const javaMajorMin = 17
/** Kafka's own defaults for the collector, a heap that is plenty for one machine, and only warnings in the log. */
const javaOptions = ['-Xms256m', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true']
/** For several brokers on few cores: little memory, and a start that spends nothing on a long life. */
const smallJavaOptions = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true']
const logOptions = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true']

/** One broker of a cluster, and where its two listeners are. */
export interface KafkaNode {
  /** From 1. */
  readonly id: number
  readonly port: number
  readonly controllerPort: number
  /** Where clients are told to come to, if not to `port`. */
  readonly advertisedPort?: number
}

/** How to start one broker of a cluster; its folder is its own. */
export interface KafkaNodeOptions extends ServiceOptions {
  readonly node: KafkaNode
  /** All brokers of the cluster, this one among them. Each is a controller too. */
  readonly nodes: readonly KafkaNode[]
  /** Equal for all, see `kafkaClusterId`; used when the folder is new. */
  readonly clusterId: string
  /** A heap of 256 MiB instead of 1 GiB, and a compiler that is quick instead of thorough. */
  readonly small: boolean
}

/**
 * Starts one real Kafka broker (KRaft, broker and controller in one process) on 127.0.0.1. Clients are told to come to
 * `advertisedPort`, where something stands between them and the broker.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startKafka(options: ServiceOptions & { readonly advertisedPort?: number }): Promise<Service> {
  const port = await freePort(options.port ?? 0, 'kafka')
  const { advertisedPort = port } = options
  const node = { id: 1, port, controllerPort: await freePort(0, 'kafka controller'), advertisedPort }
  const process = await startKafkaNode({ ...options, node, nodes: [node], clusterId: kafkaClusterId(), small: false })
  return { kind: 'kafka', address: `127.0.0.1:${port}`, processes: [process] }
}

/**
 * Starts one broker of a cluster on its ports and waits until it serves, so until most brokers are up: start them together. Topics
 * have as many copies as there are brokers, three at most, and a write needs all but one of them.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startKafkaNode(options: KafkaNodeOptions): Promise<ServiceProcess> {
  const { dir, cacheDir, detached, log, node, nodes, clusterId, small } = options
  const [java, jars] = await Promise.all([findJava(javaMajorMin, cacheDir, log), kafkaJars(cacheDir, log)])
  const dataDir = join(dir, 'data')
  const config = join(dir, 'server.properties')
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(config, serverProperties(node, nodes, dataDir))
  const classPath = ['-cp', join(jars, 'libs', '*')]
  if (!existsSync(join(dataDir, 'meta.properties'))) await format(java, classPath, config, clusterId)
  return await startProcess({
    name: nodes.length === 1 ? 'kafka' : `kafka-${node.id}`,
    command: java,
    args: [...(small ? smallJavaOptions : javaOptions), ...logOptions, ...classPath, 'kafka.Kafka', config],
    cwd: dir,
    logFile: join(dir, 'kafka.log'),
    detached,
    ready: () => kafkaAnswers(node.port),
    timeoutMs: startTimeoutMs,
  })
}

/** A new cluster id as Kafka makes them: 16 random bytes in base64 for addresses, never with a leading dash. */
export function kafkaClusterId(): string {
  const id = randomBytes(16)
  id[0]! &= 0x7f
  return id.toString('base64url')
}

/** True when a broker on 127.0.0.1 answers an ApiVersions request: it does so only once it is unfenced and serves. */
export async function kafkaAnswers(port: number, host = '127.0.0.1'): Promise<boolean> {
  const request = Buffer.alloc(14)
  request.writeInt32BE(10, 0) // length of what follows
  request.writeInt16BE(18, 4) // api key ApiVersions
  request.writeInt16BE(0, 6) // api version
  request.writeInt32BE(1, 8) // correlation id
  request.writeInt16BE(-1, 12) // no client id
  return await new Promise<boolean>((resolve) => {
    const socket = connect(port, host, () => socket.write(request))
    const end = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(2_000, () => end(false))
    socket.once('data', () => end(true))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
  })
}

async function format(java: string, classPath: readonly string[], config: string, clusterId: string): Promise<void> {
  const args = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config]
  await runCommand(java, [...smallJavaOptions, ...logOptions, ...classPath, ...args], { timeoutMs: 60_000 })
}

function serverProperties(node: KafkaNode, nodes: readonly KafkaNode[], dataDir: string): string {
  const copies = Math.min(3, nodes.length)
  const copiesMin = Math.max(1, copies - 1)
  return [
    'process.roles=broker,controller',
    `node.id=${node.id}`,
    `controller.quorum.voters=${nodes.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(',')}`,
    'controller.listener.names=CONTROLLER',
    `listeners=PLAINTEXT://127.0.0.1:${node.port},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${node.advertisedPort ?? node.port}`,
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name=PLAINTEXT',
    `log.dirs=${dataDir}`,
    `offsets.topic.replication.factor=${copies}`,
    'offsets.topic.num.partitions=8',
    `transaction.state.log.replication.factor=${copies}`,
    `transaction.state.log.min.isr=${copiesMin}`,
    'transaction.state.log.num.partitions=4',
    `share.coordinator.state.topic.replication.factor=${copies}`,
    `share.coordinator.state.topic.min.isr=${copiesMin}`,
    `default.replication.factor=${copies}`,
    `min.insync.replicas=${copiesMin}`,
    'auto.create.topics.enable=false',
    // A group of one process must not wait for others at every start.
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    '',
  ].join('\n')
}
