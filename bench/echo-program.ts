import { KafkaEventLog } from '../connectors/kafka/event-log.ts'

// The bare second hop: whatever comes in on one topic goes out on another, with the engine's client and nothing between.
// Arguments: broker, topic in, topic out.

const [broker, from, to] = process.argv.slice(2) as [string, string, string]
const log = new KafkaEventLog({ brokers: [broker] })
const follower = await log.follow({
  name: 'echo',
  topics: [from],
  batch: ({ partition, records }) => {
    void log.send(records.map(({ key, value }) => ({ topic: to, partition, key, value })))
  },
  failed: (error) => {
    throw error
  },
})
await follower.caughtUp
let reportedCpu = process.cpuUsage()
process.on('message', () => {
  const { user, system } = process.cpuUsage(reportedCpu)
  reportedCpu = process.cpuUsage()
  process.send!({ cpuMs: (user + system) / 1000 })
})
process.once('disconnect', () => process.exit(0))
process.send!('ready')
