import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findJava } from '../../cli/services/java.ts'
import { kafkaJars } from '../../cli/services/maven-artifacts.ts'
import { runCommand } from '../../cli/services/run-command.ts'
import { artifactsDir } from '../../cli/services/services.ts'
import { openKafka } from './kafka-fixture.ts'
import { describeWithService } from './require-service.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** Long enough to need several blocks, with parts that repeat and parts that do not. */
const lines = Array.from({ length: 2_000 }, (_, n) => `${n} ${'click '.repeat(n % 17)}${(n * 2_654_435_761) % 4_294_967_296}`)

describeWithService('kafka', 'kafka codecs', (address) => {
  const log = openKafka(address)
  const run = randomUUID()
  let dir: string
  let java: (tool: string, args: readonly string[]) => Promise<string>

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'millrace-codecs-'))
    const quiet = () => {}
    const [program, jars] = await Promise.all([findJava(17, artifactsDir(), quiet), kafkaJars(artifactsDir(), quiet)])
    const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error']
    java = async (tool, args) => {
      const main = `org.apache.kafka.tools.${tool}`
      const script = 'input=$1; shift; if [ -n "$input" ]; then exec "$@" < "$input"; else exec "$@"; fi'
      const input = tool.endsWith('Producer') ? join(dir, 'lines') : ''
      return await runCommand(
        'sh',
        ['-c', script, 'sh', input, program, ...options, '-cp', join(jars, 'libs', '*'), main, ...args],
        {
          timeoutMs: 60_000,
        },
      )
    }
    writeFileSync(join(dir, 'lines'), lines.map((line) => `${line}\n`).join(''))
  })
  afterAll(async () => {
    await log.close()
    await rm(dir, { recursive: true, force: true })
  })

  it('reads what the Java client wrote with each codec', async () => {
    const topics = codecs.map((codec) => `test-${run}-java-${codec}`)
    await log.ensureTopics(topics.map((name) => ({ name, partitions: 1, cleanup: 'delete' })))
    const server = ['--bootstrap-server', address]
    await Promise.all(
      codecs.map((codec, index) => java('ConsoleProducer', [...server, '--topic', topics[index]!, '--compression-codec', codec])),
    )
    for (const topic of topics) {
      const values: string[] = []
      for await (const { records } of log.read(topic, 0, { from: 0, to: Number.MAX_SAFE_INTEGER })) {
        values.push(...records.map(({ value }) => Buffer.from(value!).toString()))
      }
      expect(values, topic).toEqual(lines)
    }
  })

  it('writes with each codec what the Java client reads', async () => {
    const topics = codecs.map((codec) => `test-${run}-ours-${codec}`)
    await log.ensureTopics(topics.map((name) => ({ name, partitions: 1, cleanup: 'delete' })))
    for (const [index, codec] of codecs.entries()) {
      const packing = openKafka(address, { compression: codec })
      await packing.send(
        lines.map((line) => ({ topic: topics[index]!, partition: 0, key: null, value: Buffer.from(`${codec}: ${line}`) })),
      )
      await packing.close()
    }
    const consume = ['--bootstrap-server', address, '--include', `test-${run}-ours-.*`, '--from-beginning']
    const output = await java('consumer.ConsoleConsumer', [...consume, '--max-messages', String(codecs.length * lines.length)])
    const read = output.split('\n')
    for (const codec of codecs) {
      const prefix = `${codec}: `
      const mine = read.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length))
      expect(mine, codec).toEqual(lines)
    }
  })
})
