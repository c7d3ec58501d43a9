import { createRequire } from 'node:module'

// The ceiling of `ingest`: a process that only consumes with `eachBatch` and produces one 120-byte record per event, with the same
// client (kafkajs as it is published) and nothing in between: no state, no decoding, no guarantee.

/** What it prints. */
export interface CeilingReport {
  readonly records: number
  readonly fromMs: number
  readonly toMs: number
  readonly cpuS: number
}

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs')
const order = JSON.parse(process.argv[2]!) as { brokers: string[]; records: number }
const kafka = new Kafka({ clientId: 'ceiling', brokers: order.brokers, logLevel: logLevel.ERROR })
const producer = kafka.producer({ allowAutoTopicCreation: false })
const consumer = kafka.consumer({ groupId: `ceiling-${process.pid}`, maxWaitTimeInMs: 100 })
/** Its fastest: more are slower, since the client copies a list per record. */
const recordsPerSend = 1_000
const value = Buffer.alloc(120, 'x')
await producer.connect()
await consumer.connect()
await consumer.subscribe({ topic: 'user-events', fromBeginning: true })
let [records, fromMs, cpu] = [0, 0, process.cpuUsage()]
await new Promise<void>((resolve, reject) => {
  consumer
    .run({
      eachBatch: async ({ batch }) => {
        if (fromMs === 0) {
          fromMs = Date.now()
          cpu = process.cpuUsage()
        }
        for (let at = 0; at < batch.messages.length; at += recordsPerSend) {
          const part = batch.messages.slice(at, at + recordsPerSend)
          await producer.send({ topic: 'ceiling', messages: part.map(({ key }) => ({ key, value, partition: batch.partition })) })
        }
        records += batch.messages.length
        if (records >= order.records) resolve()
      },
    })
    .catch(reject)
})
const toMs = Date.now()
const { user, system } = process.cpuUsage(cpu)
const report: CeilingReport = { records, fromMs, toMs, cpuS: (user + system) / 1e6 }
console.log(JSON.stringify(report))
await consumer.disconnect()
await producer.disconnect()
