import { kafkajs } from '../connectors/kafka/kafkajs.ts'

// The ceiling of `ingest`: a process that only consumes with `eachBatch` and produces one 120-byte record per event, with the same
// client and nothing in between: no state, no decoding, no guarantee.

const order = JSON.parse(process.argv[2]!) as { brokers: string[]; records: number }
const kafka = new kafkajs.Kafka({ clientId: 'ceiling', brokers: order.brokers, logLevel: kafkajs.logLevel.ERROR })
const producer = kafka.producer({ allowAutoTopicCreation: false })
const consumer = kafka.consumer({ groupId: `ceiling-${process.pid}`, maxWaitTimeInMs: 100 })
/** A request must stay below the broker's 1 MiB. */
const recordsPerSend = 4_000
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
console.log(JSON.stringify({ records, fromMs, toMs, cpuS: (user + system) / 1e6 }))
await consumer.disconnect()
await producer.disconnect()
