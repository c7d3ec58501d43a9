import type { Kafka, Message, Producer, TopicMessages } from 'kafkajs'
import { MillraceError } from '../../core/errors.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { protocolErrorOf, unavailable } from './kafka-error.ts'

/** One request: bounded per partition by the broker's message.max.bytes (1 MiB by default), which counts a whole record batch. */
const partitionBytesMax = 900 * 1024
const requestBytesMax = 8 * 1024 * 1024
/** What kafkajs adds to a record, at most, for the sizes above. */
const recordOverheadBytes = 32
const waitingRecordsMax = 1_000_000

interface Sending {
  readonly records: readonly OutgoingRecord[]
  resolve(): void
  reject(error: unknown): void
}

interface Request {
  readonly topicMessages: TopicMessages[]
  /** Partitions that it has records for. */
  readonly partitions: number
}

/**
 * Sends records in order, one request at a time (parallel ones may overtake each other, tulios/kafkajs#598). What callers hand over
 * while a request is under way goes out together in the next.
 */
export class RecordSender {
  readonly #kafka: Kafka
  readonly #compression: number
  #producer: Producer | null = null
  #waiting: Sending[] = []
  #waitingRecords = 0
  #running: Promise<void> | null = null

  constructor(kafka: Kafka, options: { readonly compression: number }) {
    this.#kafka = kafka
    this.#compression = options.compression
  }

  /** Resolves once all in-sync replicas hold the records. Errors: `MILL_LOG_UNAVAILABLE`, `MILL_BUFFER_FULL`, `MILL_RECORD_INVALID`. */
  async send(records: readonly OutgoingRecord[]): Promise<void> {
    if (this.#waitingRecords + records.length > waitingRecordsMax) {
      throw new MillraceError(
        'MILL_BUFFER_FULL',
        `more than ${waitingRecordsMax} records wait to be sent: await send before the next`,
      )
    }
    this.#waitingRecords += records.length
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Sends what waits, then disconnects; the next send connects anew, with what the brokers know then. */
  async close(): Promise<void> {
    await this.#running
    await this.#drop()
  }

  async #run(): Promise<void> {
    await Promise.resolve() // Callers of the same turn go together.
    while (this.#waiting.length > 0) {
      const sendings = this.#waiting
      this.#waiting = []
      this.#waitingRecords = 0
      try {
        this.#producer ??= await this.#connect()
        for (const { topicMessages, partitions } of requestsOf(sendings)) {
          const taken = await this.#producer.sendBatch({ topicMessages, acks: -1, compression: this.#compression })
          // kafkajs passes over records of a partition that its metadata does not know yet, and says nothing.
          if (taken.length < partitions) throw unknownPartition(partitions - taken.length)
        }
        for (const sending of sendings) sending.resolve()
      } catch (error) {
        const reason = sendError(error)
        if (reason.reaction === 'retry') await this.#drop()
        for (const sending of sendings) sending.reject(reason)
      }
    }
    this.#running = null
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: () => (args) => args.message.partition!,
    })
    try {
      await producer.connect()
    } catch (error) {
      await producer.disconnect().catch(() => {})
      throw error
    }
    return producer
  }

  /** A connection that saw the brokers go away is not trusted again: the next send makes a new one. */
  async #drop(): Promise<void> {
    const producer = this.#producer
    this.#producer = null
    await producer?.disconnect().catch(() => {})
  }
}

/** Cuts the records into requests; a cut never changes the order inside a partition. */
function* requestsOf(sendings: readonly Sending[]): Generator<Request> {
  let topics = new Map<string, Message[]>()
  let partitionBytes = new Map<string, number>()
  let bytes = 0
  const request = (): Request => ({
    topicMessages: [...topics].map(([topic, messages]) => ({ topic, messages })),
    partitions: partitionBytes.size,
  })
  for (const { records } of sendings) {
    for (const { topic, partition, key, value } of records) {
      const size = recordOverheadBytes + (key?.length ?? 0) + (value?.byteLength ?? 0)
      const slot = `${topic}/${partition}`
      const inPartition = partitionBytes.get(slot) ?? 0
      if (bytes > 0 && (inPartition + size > partitionBytesMax || bytes + size > requestBytesMax)) {
        yield request()
        topics = new Map()
        partitionBytes = new Map()
        bytes = 0
      }
      partitionBytes.set(slot, (partitionBytes.get(slot) ?? 0) + size)
      bytes += size
      const message: Message = { partition, key, value: value === null ? null : asBuffer(value) }
      const messages = topics.get(topic)
      if (messages) messages.push(message)
      else topics.set(topic, [message])
    }
  }
  if (bytes > 0) yield request()
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function unknownPartition(count: number): MillraceError {
  return new MillraceError('MILL_LOG_UNAVAILABLE', `Kafka could not take the records: ${count} partitions are too new to be known`)
}

function sendError(error: unknown): MillraceError {
  if (protocolErrorOf(error) === 'MESSAGE_TOO_LARGE') {
    return new MillraceError('MILL_RECORD_INVALID', 'a record is larger than Kafka takes (message.max.bytes)', { cause: error })
  }
  return unavailable('take the records', error)
}
