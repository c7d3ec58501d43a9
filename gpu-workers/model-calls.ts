import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'
import { inferenceError } from '../schemas/inference-status.ts'
import { statusOf } from './infer-call.ts'
import type { ModelRepository } from './model-repository.ts'
import type { ModelTensor } from './model-signature.ts'
import type { Duration, ModelStatistics } from './model-statistics.ts'
import type { ModelVersion } from './model-version.ts'

/** Extensions of the protocol that this worker really has. */
const extensions = ['model_configuration', 'model_repository', 'parameters', 'schedule_policy', 'statistics']

/** Health and metadata of the process, as the calls report it. */
export interface ServerFacts {
  readonly name: string
  readonly version: string
  ready(): boolean
}

/** Every call but the two that infer: small messages, answered from memory. */
export function modelCalls(repository: ModelRepository, facts: ServerFacts): UntypedServiceImplementation {
  return {
    ServerLive: answering(() => ({ live: true })),
    ServerReady: answering(() => ({ ready: facts.ready() })),
    ModelReady: answering((request) => ({ ready: facts.ready() && isServed(repository, request) })),
    ServerMetadata: answering(() => ({ name: facts.name, version: facts.version, extensions })),
    ModelMetadata: answering((request) => metadataOf(repository, repository.find(nameOf(request), versionOf(request)))),
    ModelConfig: answering((request) => ({ config: repository.find(nameOf(request), versionOf(request)).config })),
    ModelStatistics: answering((request) => ({ model_stats: chosen(repository, request).map(statisticsOf) })),
    RepositoryIndex: answering(async (request) => ({ models: await indexOf(repository, request['ready'] === true) })),
    RepositoryModelLoad: answering(async (request) => {
      refuseParameters(request)
      await repository.load(String(request['model_name']))
      return {}
    }),
    RepositoryModelUnload: answering(async (request) => {
      await repository.unload(String(request['model_name']))
      return {}
    }),
  }
}

type Request = Readonly<Record<string, unknown>>

function answering(answer: (request: Request) => object | Promise<object>) {
  return (call: ServerUnaryCall<Request, object>, callback: sendUnaryData<object>): void => {
    Promise.resolve()
      .then(() => answer(call.request))
      .then(
        (response) => callback(null, response),
        (error) => callback(statusOf(error)),
      )
  }
}

function nameOf(request: Request): string {
  return String(request['name'])
}

function versionOf(request: Request): string {
  return String(request['version'])
}

function isServed(repository: ModelRepository, request: Request): boolean {
  try {
    return repository.find(nameOf(request), versionOf(request)).sessions > 0
  } catch {
    return false
  }
}

function metadataOf(repository: ModelRepository, served: ModelVersion): object {
  const { maxBatchSize, inputs, outputs } = served.signature
  const describe = ({ name, datatype, dims }: ModelTensor) => ({ name, datatype, shape: maxBatchSize > 0 ? [-1, ...dims] : dims })
  return {
    name: served.model,
    versions: repository.versionsOf(served.model),
    platform: 'onnxruntime_onnx',
    inputs: inputs.map(describe),
    outputs: outputs.map(describe),
  }
}

async function indexOf(repository: ModelRepository, readyOnly: boolean): Promise<object[]> {
  const index = await repository.index()
  return index.filter((entry) => !readyOnly || entry.state === 'READY').map(({ model, ...rest }) => ({ name: model, ...rest }))
}

function refuseParameters(request: Request): void {
  const names = Object.keys((request['parameters'] as object | undefined) ?? {})
  if (names.length > 0) {
    throw inferenceError(
      'UNIMPLEMENTED',
      `load parameter "${names[0]}" is not served: write the files into the repository, then load`,
    )
  }
}

/** The versions a statistics request names; '' = all. */
function chosen(repository: ModelRepository, request: Request): readonly ModelVersion[] {
  if (nameOf(request) === '') return repository.served()
  const newest = repository.find(nameOf(request), versionOf(request))
  if (versionOf(request) !== '') return [newest]
  return repository.served().filter((served) => served.model === newest.model)
}

function statisticsOf({ model, version, statistics }: ModelVersion): object {
  const none: Duration = { count: 0, ns: 0 }
  return {
    name: model,
    version,
    last_inference: statistics.lastInferenceMs,
    inference_count: statistics.rows,
    execution_count: statistics.batches,
    inference_stats: {
      success: statistics.success,
      fail: statistics.failure,
      queue: statistics.queue,
      compute_input: statistics.input,
      compute_infer: statistics.infer,
      compute_output: statistics.output,
      cache_hit: none,
      cache_miss: none,
    },
    batch_stats: batchStatisticsOf(statistics),
  }
}

function batchStatisticsOf(statistics: ModelStatistics): object[] {
  const sizes = [...statistics.bySize].sort(([a], [b]) => a - b)
  return sizes.map(([size, times]) => ({
    batch_size: size,
    compute_input: times.input,
    compute_infer: times.infer,
    compute_output: times.output,
  }))
}
