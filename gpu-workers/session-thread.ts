import { parentPort, workerData } from 'node:worker_threads'
import * as ort from 'onnxruntime-node'
import type { WireDatatype } from '../schemas/inference-datatype.ts'
import type {
  FeedTensor,
  FetchedTensor,
  FromSession,
  SessionInfo,
  SessionOptions,
  SignatureTensor,
  ToSession,
} from './session-messages.ts'

// The program of one worker thread: one ONNX Runtime session, one run at a time. It has a thread of its own because `run()`
// blocks, and it ends by itself after `close`: ending it from outside during a run aborts the whole process.

const datatypes: Record<string, WireDatatype> = {
  bool: 'BOOL',
  uint8: 'UINT8',
  uint16: 'UINT16',
  uint32: 'UINT32',
  uint64: 'UINT64',
  int8: 'INT8',
  int16: 'INT16',
  int32: 'INT32',
  int64: 'INT64',
  float16: 'FP16',
  float32: 'FP32',
  float64: 'FP64',
}

// Errors travel as messages; the runtime need not print them too.
const LOG_FATAL = 4
ort.env.logLevel = 'fatal'

if (parentPort) await serve(parentPort, workerData as SessionOptions)

async function serve(port: NonNullable<typeof parentPort>, options: SessionOptions): Promise<void> {
  const post = (message: FromSession, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  let session: ort.InferenceSession
  try {
    const opened = await openSession(options)
    session = opened.session
    post({ kind: 'ready', ...opened.info })
  } catch (error) {
    post({ kind: 'refused', message: textOf(error) })
    port.close()
    return
  }
  let work = Promise.resolve()
  port.on('message', (message: ToSession) => {
    work = work.then(async () => {
      if (message.kind === 'run') return run(session, message, post)
      await session.release()
      post({ kind: 'closed' })
      port.close()
    })
  })
}

async function openSession(options: SessionOptions): Promise<{ session: ort.InferenceSession; info: SessionInfo }> {
  let providerReason = ''
  let session: ort.InferenceSession | null = null
  if (options.provider === 'cuda') {
    try {
      session = await createSession(options, [{ name: 'cuda', deviceId: options.deviceId }, 'cpu'])
    } catch (error) {
      providerReason = textOf(error).slice(0, 300)
    }
  }
  const provider = session ? 'cuda' : 'cpu'
  session ??= await createSession(options, ['cpu'])
  const info = {
    inputs: session.inputMetadata.map(signatureOf),
    outputs: session.outputMetadata.map(signatureOf),
    provider,
    providerReason,
  } as const
  return { session, info }
}

function createSession(
  options: SessionOptions,
  executionProviders: readonly ort.InferenceSession.ExecutionProviderConfig[],
): Promise<ort.InferenceSession> {
  return ort.InferenceSession.create(options.modelPath, {
    executionProviders,
    intraOpNumThreads: options.intraOpThreads,
    interOpNumThreads: options.interOpThreads,
    executionMode: options.parallelExecution ? 'parallel' : 'sequential',
    graphOptimizationLevel: options.graphOptimization,
    logSeverityLevel: LOG_FATAL,
    // A spinning pool takes whole cores from the other sessions and from the event loop.
    extra: { session: { intra_op: { allow_spinning: '0' }, inter_op: { allow_spinning: '0' } } },
  })
}

function signatureOf(metadata: ort.InferenceSession.ValueMetadata): SignatureTensor {
  const datatype = metadata.isTensor ? datatypes[metadata.type] : undefined
  if (!metadata.isTensor || !datatype) {
    throw new Error(
      `"${metadata.name}" is ${metadata.isTensor ? `a tensor of ${metadata.type}` : 'no tensor'}, which this worker does not serve`,
    )
  }
  const shape = metadata.shape.map((dimension) => (typeof dimension === 'number' && dimension > 0 ? dimension : -1))
  return { name: metadata.name, datatype, shape }
}

async function run(
  session: ort.InferenceSession,
  message: Extract<ToSession, { kind: 'run' }>,
  post: (message: FromSession, transfer?: ArrayBuffer[]) => void,
): Promise<void> {
  try {
    const started = performance.now()
    const feeds: Record<string, ort.Tensor> = {}
    for (const feed of message.feeds) feeds[feed.name] = tensorOf(feed, message.buffer)
    const fed = performance.now()
    const results = await session.run(feeds, [...message.fetches], { logSeverityLevel: LOG_FATAL })
    const ran = performance.now()
    const outputs: FetchedTensor[] = []
    const transfer: ArrayBuffer[] = []
    for (const name of message.fetches) {
      const output = fetchedOf(name, results[name]!)
      outputs.push(output)
      transfer.push(output.bytes.buffer)
    }
    const times = {
      inputNs: nanoseconds(fed - started),
      inferNs: nanoseconds(ran - fed),
      outputNs: nanoseconds(performance.now() - ran),
    }
    post({ kind: 'result', outputs, ...times }, transfer)
  } catch (error) {
    post({ kind: 'run-failed', message: textOf(error) })
  }
}

function tensorOf(feed: FeedTensor, buffer: ArrayBuffer): ort.Tensor {
  const { byteOffset: at, byteLength: size, shape } = feed
  switch (feed.datatype) {
    case 'FP32':
      return new ort.Tensor('float32', new Float32Array(buffer, at, size / 4), shape)
    case 'FP64':
      return new ort.Tensor('float64', new Float64Array(buffer, at, size / 8), shape)
    case 'FP16':
      return new ort.Tensor('float16', new Uint16Array(buffer, at, size / 2), shape)
    case 'INT64':
      return new ort.Tensor('int64', new BigInt64Array(buffer, at, size / 8), shape)
    case 'UINT64':
      return new ort.Tensor('uint64', new BigUint64Array(buffer, at, size / 8), shape)
    case 'INT32':
      return new ort.Tensor('int32', new Int32Array(buffer, at, size / 4), shape)
    case 'UINT32':
      return new ort.Tensor('uint32', new Uint32Array(buffer, at, size / 4), shape)
    case 'INT16':
      return new ort.Tensor('int16', new Int16Array(buffer, at, size / 2), shape)
    case 'UINT16':
      return new ort.Tensor('uint16', new Uint16Array(buffer, at, size / 2), shape)
    case 'INT8':
      return new ort.Tensor('int8', new Int8Array(buffer, at, size), shape)
    case 'UINT8':
      return new ort.Tensor('uint8', new Uint8Array(buffer, at, size), shape)
    case 'BOOL':
      return new ort.Tensor('bool', new Uint8Array(buffer, at, size), shape)
    default:
      throw new Error(`tensors of ${feed.datatype} are not served`)
  }
}

function fetchedOf(name: string, tensor: ort.Tensor): FetchedTensor {
  const datatype = datatypes[tensor.type]
  const data = tensor.data
  if (!datatype || !ArrayBuffer.isView(data))
    throw new Error(`output "${name}" is a tensor of ${tensor.type}, which this worker does not serve`)
  const whole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength && data.buffer instanceof ArrayBuffer
  const view = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength)
  return { name, datatype, shape: tensor.dims, bytes: whole ? view : view.slice() }
}

function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6)
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
