import type { Metadata, ServerUnaryCall, StatusObject, sendUnaryData, status } from '@grpc/grpc-js'
import type { RawTensor } from '../schemas/inference-datatype.ts'
import { type ModelInferRequest, type ModelInferResponse, noParameters } from '../schemas/inference-messages.ts'
import { inferenceError, inferenceStatuses, inferenceStatusOf } from '../schemas/inference-status.ts'
import type { Submitted } from './batcher.ts'
import type { ArrivedRequest } from './grpc-service.ts'
import type { ModelRepository } from './model-repository.ts'
import type { ModelVersion } from './model-version.ts'
import { readInferRequest } from './read-infer-request.ts'

/** A request under way: its response, and a way to give it up before it runs. */
export interface StartedInference {
  readonly response: Promise<ModelInferResponse>
  cancel(): void
}

/** Checks and queues one request; what it throws or rejects with carries a status. */
export function startInference(repository: ModelRepository, arrived: ArrivedRequest, deadlineMs: number): StartedInference {
  if ('broken' in arrived) throw inferenceError('INVALID_ARGUMENT', arrived.broken.message, arrived.broken)
  const { request } = arrived
  const version = repository.find(request.modelName, request.modelVersion)
  const { inputs, outputs, timeoutUs, priority } = readInferRequest(request)
  const submitted: Submitted = version.submit({ inputs, outputs }, { deadlineMs, timeoutUs, priority })
  return { response: submitted.answer.then((tensors) => responseOf(version, request, tensors)), cancel: submitted.cancel }
}

/** `ModelInfer`: a failure is the call's status. */
export function inferCall(repository: ModelRepository) {
  return (call: ServerUnaryCall<ArrivedRequest, ModelInferResponse>, callback: sendUnaryData<ModelInferResponse>): void => {
    try {
      const started = startInference(repository, call.request, deadlineOf(call.getDeadline()))
      call.on('cancelled', started.cancel)
      started.response.then(
        (response) => callback(null, response),
        (error) => callback(statusOf(error)),
      )
    } catch (error) {
      callback(statusOf(error))
    }
  }
}

/** The gRPC status of a thrown value. */
export function statusOf(error: unknown, metadata?: Metadata): Partial<StatusObject> {
  const code = inferenceStatuses[inferenceStatusOf(error)][0] as status
  const details = error instanceof Error ? error.message : String(error)
  return metadata ? { code, details, metadata } : { code, details }
}

/** A call's deadline as clock time; Infinity when it has none. */
export function deadlineOf(deadline: Date | number): number {
  return deadline instanceof Date ? deadline.getTime() : deadline
}

/** Always raw: clients of this protocol read nothing else. */
function responseOf(version: ModelVersion, request: ModelInferRequest, tensors: readonly RawTensor[]): ModelInferResponse {
  return {
    modelName: version.model,
    modelVersion: version.version,
    id: request.id,
    parameters: noParameters,
    outputs: tensors.map(({ name, datatype, shape }) => ({ name, datatype, shape, parameters: noParameters, contents: null })),
    rawContents: tensors.map((tensor) => tensor.bytes),
  }
}
