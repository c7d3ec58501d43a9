import type { WireDatatype } from '../schemas/inference-datatype.ts'

/** `TYPE_*` names of config.pbtxt with the datatype each has on the wire. */
export const configDatatypes = {
  TYPE_BOOL: 'BOOL',
  TYPE_UINT8: 'UINT8',
  TYPE_UINT16: 'UINT16',
  TYPE_UINT32: 'UINT32',
  TYPE_UINT64: 'UINT64',
  TYPE_INT8: 'INT8',
  TYPE_INT16: 'INT16',
  TYPE_INT32: 'INT32',
  TYPE_INT64: 'INT64',
  TYPE_FP16: 'FP16',
  TYPE_FP32: 'FP32',
  TYPE_FP64: 'FP64',
  TYPE_STRING: 'BYTES',
  TYPE_BF16: 'BF16',
} as const satisfies Record<string, WireDatatype>

export type ConfigDatatype = keyof typeof configDatatypes

export interface ConfigTensor {
  readonly name: string
  readonly data_type: ConfigDatatype
  /** Without the batch dimension when `max_batch_size` > 0; -1 = variable. */
  readonly dims: readonly number[]
  readonly optional?: boolean
}

export interface ConfigWarmup {
  readonly name?: string
  readonly batch_size?: number
  readonly count?: number
  readonly inputs: Readonly<Record<string, ConfigWarmupInput>>
}

export interface ConfigWarmupInput {
  readonly data_type: ConfigDatatype
  readonly dims: readonly number[]
  readonly zero_data?: boolean
  readonly random_data?: boolean
}

export interface ConfigInstanceGroup {
  readonly name?: string
  readonly kind?: 'KIND_AUTO' | 'KIND_GPU' | 'KIND_CPU'
  readonly count?: number
  readonly gpus?: readonly number[]
}

export interface ConfigQueuePolicy {
  readonly timeout_action?: 'REJECT' | 'DELAY'
  readonly default_timeout_microseconds?: number
  readonly allow_timeout_override?: boolean
  readonly max_queue_size?: number
}

/** One model's config.pbtxt, in the field names of inference.proto, so that it is also the answer of `ModelConfig`. */
export interface ModelConfig {
  readonly name: string
  readonly platform?: string
  readonly backend?: string
  /** Rows a run may hold; 0: requests have no batch dimension and are never joined. */
  readonly max_batch_size: number
  readonly input: readonly ConfigTensor[]
  readonly output: readonly ConfigTensor[]
  readonly instance_group?: readonly ConfigInstanceGroup[]
  readonly version_policy?: {
    readonly latest?: { readonly num_versions?: number }
    readonly all?: Readonly<Record<string, never>>
    readonly specific?: { readonly versions: readonly number[] }
  }
  readonly default_model_filename?: string
  readonly dynamic_batching?: {
    readonly preferred_batch_size?: readonly number[]
    readonly max_queue_delay_microseconds?: number
    readonly preserve_ordering?: boolean
    readonly priority_levels?: number
    readonly default_priority_level?: number
    readonly default_queue_policy?: ConfigQueuePolicy
  }
  readonly optimization?: {
    readonly graph?: { readonly level?: number }
    readonly execution_accelerators?: {
      readonly gpu_execution_accelerator?: readonly ConfigAccelerator[]
      readonly cpu_execution_accelerator?: readonly ConfigAccelerator[]
    }
  }
  readonly parameters?: Readonly<Record<string, { readonly string_value?: string }>>
  readonly model_warmup?: readonly ConfigWarmup[]
}

export interface ConfigAccelerator {
  readonly name: string
  readonly parameters?: Readonly<Record<string, string>>
}

/** Parameters of a config that mean something to this worker; others are refused, as a misspelt one would do nothing. */
export const knownParameters = ['intra_op_thread_count', 'inter_op_thread_count', 'execution_mode', 'batch_buckets'] as const

/** A parameter as a whole number ≥ 0, or `fallback` where the config does not set it. */
export function numberParameter(config: ModelConfig, name: (typeof knownParameters)[number], fallback: number): number {
  const text = config.parameters?.[name]?.string_value
  return text === undefined ? fallback : Number(text)
}

/** The row counts that batches are padded to, ascending; empty = none. Set by parameter `batch_buckets`, e.g. "1,8,32,128". */
export function batchBuckets(config: ModelConfig): readonly number[] {
  const text = config.parameters?.['batch_buckets']?.string_value ?? ''
  return text === '' ? [] : text.split(',').map(Number)
}

/** Sessions (worker threads) a config asks for. */
export function sessionCount(config: ModelConfig): number {
  const groups = config.instance_group ?? []
  let count = 0
  for (const group of groups) count += group.count || 1
  return Math.max(1, count)
}
