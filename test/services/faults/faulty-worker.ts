import {
  type Client,
  credentials,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceError,
} from '@grpc/grpc-js'
import { type ArrivedRequest, inferenceService } from '../../../gpu-workers/grpc-service.ts'
import { encodeModelInferResponse } from '../../../schemas/inference-codec.ts'
import type { ModelInferResponse } from '../../../schemas/inference-messages.ts'

/** What becomes of the real worker's answer on its way back. */
export type WorkerFault = 'none' | 'late' | 'half of the rows' | 'not a number' | 'cut tensor' | 'other names' | 'no message'

type Done = (error: Partial<ServiceError> | null, reply?: unknown) => void
type Call = (request: object, done: (error: ServiceError | null, reply: unknown) => void) => void

/**
 * A worker that speaks the real protocol and lets a real one answer, but spoils the answers to `ModelInfer`: health and models
 * look well all the time.
 */
export class FaultyWorker {
  fault: WorkerFault = 'none'
  /** Answers spoilt so far. */
  spoilt = 0
  port = 0
  readonly #lateMs: number
  readonly #server = new Server()
  readonly #client: Client

  private constructor(address: string, lateMs: number) {
    this.#lateMs = lateMs
    const service = inferenceService()
    const Service = makeGenericClientConstructor(service, 'GRPCInferenceService')
    this.#client = new Service(address, credentials.createInsecure())
    const calls: Record<string, (call: { request: object }, done: Done) => void> = {}
    for (const name of Object.keys(service).filter((method) => !service[method]!.responseStream)) {
      calls[name] = ({ request }, done) => {
        const asked = name === 'ModelInfer' ? (request as Exclude<ArrivedRequest, { broken: Error }>).request : request
        const forward = (this.#client as unknown as Record<string, Call>)[name]!
        forward.call(this.#client, asked, (error, reply) =>
          name === 'ModelInfer' && !error ? this.#spoil(reply as ModelInferResponse, done) : done(error, reply),
        )
      }
    }
    const asBytes = (reply: ModelInferResponse | Buffer) => (Buffer.isBuffer(reply) ? reply : encodeModelInferResponse(reply))
    this.#server.addService({ ...service, ModelInfer: { ...service['ModelInfer']!, responseSerialize: asBytes } }, calls as never)
  }

  /** Stands before the worker at `address`; late answers come so many milliseconds late. */
  static async before(address: string, lateMs: number): Promise<FaultyWorker> {
    const worker = new FaultyWorker(address, lateMs)
    worker.port = await new Promise<number>((resolve, reject) => {
      const bound = (error: Error | null, port: number): void => (error ? reject(error) : resolve(port))
      worker.#server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound)
    })
    return worker
  }

  close(): void {
    this.#client.close()
    this.#server.forceShutdown()
  }

  #spoil(reply: ModelInferResponse, done: Done): void {
    if (this.fault !== 'none') this.spoilt++
    if (this.fault === 'late') setTimeout(() => done(null, reply), this.#lateMs)
    else done(null, spoilt(reply, this.fault))
  }
}

function spoilt(reply: ModelInferResponse, fault: Exclude<WorkerFault, 'late'>): ModelInferResponse | Buffer {
  const { outputs, rawContents } = reply
  const rows = outputs[0]!.shape[0]!
  const half = rows >> 1
  switch (fault) {
    case 'none':
      return reply
    case 'half of the rows':
      return {
        ...reply,
        outputs: outputs.map((output) => ({ ...output, shape: [half, ...output.shape.slice(1)] })),
        rawContents: rawContents.map((bytes) => bytes.subarray(0, (bytes.length / rows) * half)),
      }
    case 'not a number':
      return { ...reply, rawContents: rawContents.map(({ length }) => Buffer.alloc(length, 0xff)) }
    case 'cut tensor':
      return { ...reply, rawContents: rawContents.map((bytes) => bytes.subarray(0, bytes.length - 3)) }
    case 'other names':
      return { ...reply, outputs: outputs.map((output) => ({ ...output, name: `not_${output.name}` })) }
    case 'no message':
      return Buffer.from('this is not a protobuf message at all')
  }
}
