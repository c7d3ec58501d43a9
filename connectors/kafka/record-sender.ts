import type { Kafka, Message, Producer, RecordMetadata, TopicMessages } from 'kafkajs'
import type { Clock } from '../../core/clock.ts'
import { MillraceError } from '../../core/errors.ts'
import type { OutgoingRecord } from '../../ports/event-log.ts'
import { backoffMs, passes, protocolErrorOf, unavailable } from './kafka-error.ts'

/** One request: bounded per partition by the broker's message.max.bytes (1 MiB by default), which counts a whole record batch. */
const partitionBytesMax = 900 * 1024
const requestBytesMax = 8 * 1024 * 1024
/** What kafkajs adds to a record, at most, for the sizes above. */
const recordOverheadBytes = 32
const waitingRecordsMax = 1_000_000
/** Requests under way: a caller's records need not wait for another's answer. */
const requestsMax = 3

interface Sending {
  readonly records: readonly OutgoingRecord[]
  resolve(): void
  reject(error: unknown): void
}

interface Request {
  readonly topicMessages: TopicMessages[]
}

/**
 * Sends records: what callers hand over while `requestsMax` requests are under way goes out together in the next. Records of one call
 * keep their order in a partition, and so do those of a caller that awaits each call; calls that do not wait for each other may
 * overtake each other when a request has to be repeated.
 */
export class RecordSender {
  readonly #kafka: Kafka
  readonly #compression: number
  readonly #retriesMax: number
  readonly #clock: Clock
  #producer: Producer | null = null
  #waiting: Sending[] = []
  #waitingRecords = 0
  #connecting: Promise<Producer> | null = null
  readonly #running = new Set<Promise<void>>()
  #isPlanned = false

  constructor(kafka: Kafka, options: { readonly compression: number; readonly retriesMax: number; readonly clock: Clock }) {
    this.#kafka = kafka
    this.#compression = options.compression
    this.#retriesMax = options.retriesMax
    this.#clock = options.clock
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
      if (this.#isPlanned) return
      this.#isPlanned = true
      setImmediate(() => this.#start()) // Callers of the same turn of the event loop go together.
    })
  }

  /** Sends what waits, then disconnects. */
  async close(): Promise<void> {
    while (this.#running.size > 0 || this.#isPlanned) {
      await Promise.all(this.#running)
      // What is planned starts in the next turn, which promises alone would never let come.
      if (this.#isPlanned) await new Promise<void>((resolve) => setImmediate(resolve))
    }
    await this.#drop(this.#producer)
  }

  #start(): void {
    this.#isPlanned = false
    if (this.#waiting.length === 0 || this.#running.size >= requestsMax) return
    const sendings = this.#waiting
    this.#waiting = []
    this.#waitingRecords = 0
    const running = this.#send(sendings).finally(() => {
      this.#running.delete(running)
      this.#start()
    })
    this.#running.add(running)
  }

  async #send(sendings: readonly Sending[]): Promise<void> {
    try {
      for (const { topicMessages } of requestsOf(sendings)) await this.#sendWhole(topicMessages)
      for (const sending of sendings) sending.resolve()
    } catch (error) {
      const reason = sendError(error)
      for (const sending of sendings) sending.reject(reason)
    }
  }

  /**
   * Sends one request until all of it is taken. A retry of kafkajs leaves out every broker that has answered, and so loses the records
   * of a partition that has moved to one of those meanwhile: each try of ours is a new call with all records, and some may come twice.
   * Records of a partition that its metadata lacks kafkajs leaves out as well, and says nothing: they go through a new client.
   */
  async #sendWhole(topicMessages: TopicMessages[]): Promise<void> {
    let left = topicMessages
    for (let failures = 0; ; failures++) {
      let producer: Producer | null = null
      try {
        producer = this.#producer ?? (await this.#connected())
        left = unsentOf(left, await producer.sendBatch({ topicMessages: left, acks: -1, compression: this.#compression }))
        if (left.length === 0) return
        throw new MillraceError('MILL_LOG_UNAVAILABLE', `Kafka does not show all partitions of ${left[0]!.topic} yet`)
      } catch (error) {
        const isUnseen = error instanceof MillraceError
        if (isUnseen || failures >= this.#retriesMax) await this.#drop(producer)
        if (failures >= this.#retriesMax || !(isUnseen || passes(error))) throw error
      }
      await new Promise<void>((resolve) => this.#clock.after(backoffMs(failures), resolve))
    }
  }

  /** One connection for all: whoever comes first makes it. */
  async #connected(): Promise<Producer> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null
    })
    this.#producer = await this.#connecting
    return this.#producer
  }

  async #connect(): Promise<Producer> {
    const producer = this.#kafka.producer({
      allowAutoTopicCreation: false,
      retry: { retries: 0 }, // See #sendWhole.
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
  async #drop(producer: Producer | null): Promise<void> {
    if (this.#producer === producer) this.#producer = null
    await producer?.disconnect().catch(() => {})
  }
}

/** What a request was to send and no broker has answered for. */
function unsentOf(topicMessages: readonly TopicMessages[], answers: readonly RecordMetadata[]): TopicMessages[] {
  return topicMessages.flatMap(({ topic, messages }) => {
    const answered = new Set(answers.flatMap(({ topicName, partition }) => (topicName === topic ? [partition] : [])))
    const unsent = messages.filter(({ partition }) => !answered.has(partition!))
    return unsent.length === 0 ? [] : [{ topic, messages: unsent }]
  })
}

/** Cuts the records into requests; a cut never changes the order inside a partition. */
function* requestsOf(sendings: readonly Sending[]): Generator<Request> {
  let topics = new Map<string, Message[]>()
  let partitionBytes = new Map<string, number>()
  let bytes = 0
  const request = (): Request => ({ topicMessages: [...topics].map(([topic, messages]) => ({ topic, messages })) })
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

function sendError(error: unknown): MillraceError {
  if (protocolErrorOf(error) === 'MESSAGE_TOO_LARGE') {
    return new MillraceError('MILL_RECORD_INVALID', 'a record is larger than Kafka takes (message.max.bytes)', { cause: error })
  }
  return unavailable('take the records', error)
}
