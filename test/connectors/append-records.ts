// A process of its own for the tests of the embedded log: appends numbered records to one partition, one send after another, and
// prints each number once it is acknowledged. Arguments: file, topic, partition, name, count.
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'

const [path, topic, partition, name, count] = process.argv.slice(2) as [string, string, string, string, string]
const database = openEmbeddedDatabase(path, { busyMsMax: 10_000 })
const log = new EmbeddedEventLog(database)
for (let number = 0; number < Number(count); number++) {
  await log.send([{ topic, partition: Number(partition), key: name, value: Buffer.from(String(number)) }])
  process.stdout.write(`${number}\n`)
}
await log.close()
database.close()
