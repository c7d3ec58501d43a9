import { fileURLToPath } from 'node:url'
import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import {
  decodeModelInferRequest,
  decodeModelInferResponse,
  decodeModelStreamInferResponse,
  encodeModelInferRequest,
  encodeModelInferResponse,
  encodeModelStreamInferResponse,
} from '../schemas/inference-codec.ts'
import type { ModelInferRequest } from '../schemas/inference-messages.ts'

/** A request that arrived: decoded, or the reason why it could not be, so that the caller hears INVALID_ARGUMENT and not INTERNAL. */
export type ArrivedRequest = { readonly request: ModelInferRequest } | { readonly broken: Error }

/** The service of inference.proto, with the hand-written codec where tensors travel and a generic one elsewhere. */
export function inferenceService(): ServiceDefinition {
  const file = fileURLToPath(new URL('../schemas/inference.proto', import.meta.url))
  const definition = loadSync(file, { keepCase: true, longs: Number, enums: String, defaults: true, oneofs: true })
  const generic = definition['inference.GRPCInferenceService'] as unknown as Record<string, MethodDefinition<unknown, unknown>>
  const requests = { requestSerialize: encodeModelInferRequest, requestDeserialize: readArrived }
  const infer = {
    ...generic['ModelInfer'],
    ...requests,
    responseSerialize: encodeModelInferResponse,
    responseDeserialize: decodeModelInferResponse,
  }
  const stream = {
    ...generic['ModelStreamInfer'],
    ...requests,
    responseSerialize: encodeModelStreamInferResponse,
    responseDeserialize: decodeModelStreamInferResponse,
  }
  return { ...generic, ModelInfer: infer, ModelStreamInfer: stream } as unknown as ServiceDefinition
}

function readArrived(bytes: Buffer): ArrivedRequest {
  try {
    return { request: decodeModelInferRequest(bytes) }
  } catch (error) {
    return { broken: error as Error }
  }
}
