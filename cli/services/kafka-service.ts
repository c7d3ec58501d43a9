import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { findJava } from './java.ts'
import { kafkaJars } from './maven-artifacts.ts'
import { runCommand } from './run-command.ts'
import type { Service, ServiceOptions } from './service.ts'
import { startProcess } from './service-process.ts'

const startTimeoutMs = 90_000
const javaMajorMin = 17
/** Kafka's own defaults for the collector, a heap that is plenty for one machine, and only warnings in the log. */
const javaOptions = ['-Xms256m', '-Xmx1g', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-Djava.awt.headless=true']
const logOptions = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true']

/**
 * Starts one real Kafka broker (KRaft, broker and controller in one process) on 127.0.0.1. Clients are told to come to
 * `advertisedPort`, where something stands between them and the broker.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startKafka(options: ServiceOptions & { readonly advertisedPort?: number }): Promise<Service> {
  const { dir, cacheDir, detached, log } = options
  const [java, jars] = await Promise.all([findJava(javaMajorMin, cacheDir, log), kafkaJars(cacheDir, log)])
  const port = await freePort(options.port ?? 0, 'kafka')
  const controllerPort = await freePort(0, 'kafka controller')
  const dataDir = join(dir, 'data')
  const config = join(dir, 'server.properties')
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(config, serverProperties(port, options.advertisedPort ?? port, controllerPort, dataDir))
  const classPath = ['-cp', join(jars, 'libs', '*')]
  if (!existsSync(join(dataDir, 'meta.properties'))) await format(java, classPath, config)
  const service = await startProcess({
    name: 'kafka',
    command: java,
    args: [...javaOptions, ...logOptions, ...classPath, 'kafka.Kafka', config],
    cwd: dir,
    logFile: join(dir, 'kafka.log'),
    detached,
    ready: () => kafkaAnswers(port),
    timeoutMs: startTimeoutMs,
  })
  return { kind: 'kafka', address: `127.0.0.1:${port}`, processes: [service] }
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

async function format(java: string, classPath: readonly string[], config: string): Promise<void> {
  const id = (
    await runCommand(java, [...logOptions, ...classPath, 'kafka.tools.StorageTool', 'random-uuid'], { timeoutMs: 60_000 })
  )
    .trim()
    .split('\n')
    .at(-1)!
  await runCommand(java, [...logOptions, ...classPath, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', config], {
    timeoutMs: 60_000,
  })
}

function serverProperties(port: number, advertisedPort: number, controllerPort: number, dataDir: string): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    'controller.listener.names=CONTROLLER',
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${advertisedPort}`,
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name=PLAINTEXT',
    `log.dirs=${dataDir}`,
    'offsets.topic.replication.factor=1',
    'offsets.topic.num.partitions=8',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=4',
    'share.coordinator.state.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'default.replication.factor=1',
    'auto.create.topics.enable=false',
    // A group of one process must not wait for others at every start.
    'group.initial.rebalance.delay.ms=0',
    'group.min.session.timeout.ms=1000',
    '',
  ].join('\n')
}
