import { describe, expect, it } from 'vitest'
import { readModelConfig } from '../../gpu-workers/read-model-config.ts'

const read = (text: string) => readModelConfig(text, { file: 'two_tower/config.pbtxt', name: 'two_tower' })
const error = (text: string): string => {
  try {
    read(text)
  } catch (thrown) {
    expect(thrown).toMatchObject({ name: 'MillraceError', code: 'MILL_MODEL_INVALID' })
    return (thrown as Error).message
  }
  return 'it was accepted'
}

describe('readModelConfig', () => {
  it('reads the whole subset, in the field names of the protocol', () => {
    const config = read(`
      name:"two_tower" backend:"onnxruntime" max_batch_size:512   # a comment: { [ "
      input[{name:"user_id" data_type:TYPE_INT32 dims:[1]}, { name: 'hist', data_type: TYPE_INT32; dims: [-1] optional: true }]
      output { name: "ids" data_type: TYPE_INT32 dims: 100 dims: 2 }
      instance_group[{kind:KIND_CPU count:2}]
      dynamic_batching{max_queue_delay_microseconds:1000
        default_queue_policy{timeout_action:REJECT default_timeout_microseconds:20000 max_queue_size:64}}
      version_policy{latest{num_versions:2}}
      model_warmup[{name:"w" batch_size:512 inputs{key:"user_id" value{data_type:TYPE_INT32 dims:[1] zero_data:true}}}]
      parameters{key:"intra_op_thread_count" value{string_value:"2"}}
      parameters{key:"batch_buckets" value{string_value:"1,8,32"}}
      optimization{graph{level:1} execution_accelerators{gpu_execution_accelerator[{name:"tensorrt" parameters{key:"precision_mode" value:"FP16"}}]}}
    `)
    expect(config).toEqual({
      name: 'two_tower',
      backend: 'onnxruntime',
      max_batch_size: 512,
      input: [
        { name: 'user_id', data_type: 'TYPE_INT32', dims: [1] },
        { name: 'hist', data_type: 'TYPE_INT32', dims: [-1], optional: true },
      ],
      output: [{ name: 'ids', data_type: 'TYPE_INT32', dims: [100, 2] }],
      instance_group: [{ kind: 'KIND_CPU', count: 2 }],
      dynamic_batching: {
        max_queue_delay_microseconds: 1000,
        default_queue_policy: { timeout_action: 'REJECT', default_timeout_microseconds: 20000, max_queue_size: 64 },
      },
      version_policy: { latest: { num_versions: 2 } },
      model_warmup: [
        { name: 'w', batch_size: 512, inputs: { user_id: { data_type: 'TYPE_INT32', dims: [1], zero_data: true } } },
      ],
      parameters: { intra_op_thread_count: { string_value: '2' }, batch_buckets: { string_value: '1,8,32' } },
      optimization: {
        graph: { level: 1 },
        execution_accelerators: { gpu_execution_accelerator: [{ name: 'tensorrt', parameters: { precision_mode: 'FP16' } }] },
      },
    })
  })

  it('takes the folder as the name, and joins adjacent strings', () => {
    expect(read('')).toEqual({ name: 'two_tower', max_batch_size: 0, input: [], output: [] })
    expect(read('default_model_filename: "a" \'b\' # c\n "\\n\\""').default_model_filename).toBe('ab\n"')
  })

  it.each([
    ['max_batch_size: 8\n  sequence_batching { }', 'two_tower/config.pbtxt:2:3: unknown field "sequence_batching"'],
    ['input [ { name: "a" data_type: TYPE_FP32 dims: [1] reshape { } } ]', ':1:52: unknown field "input.reshape"'],
    ['input { data_type: TYPE_FP32 dims: [1] }', ':1:1: field "input.name" is missing'],
    ['input { name: "a" data_type: TYPE_FLOAT dims: 1 }', 'field "input.data_type" must be one of TYPE_BOOL'],
    ['input { name: "a" data_type: TYPE_FP32 dims: [0] }', 'holds 0'],
    ['input { name: "a" data_type: TYPE_FP32 dims: [1.5] }', 'field "input.dims" must be a whole number'],
    ['max_batch_size: -1', 'field "max_batch_size" must be a whole number from 0'],
    ['max_batch_size: "8"', 'field "max_batch_size" must be without quotes'],
    ['max_batch_size: 8 max_batch_size: 9', ':1:19: field "max_batch_size" is set twice'],
    ['max_batch_size: 8 dynamic_batching { preserve_ordering: yes }', 'must be true or false'],
    ['backend: "tensorrt"', 'field "backend" must be one of "onnxruntime"'],
    ['backend: onnxruntime', 'field "backend" must be a string in quotes'],
    ['dynamic_batching { }', '"dynamic_batching" needs max_batch_size > 0'],
    ['version_policy { all { } latest { } }', 'must name one of'],
    ['name: "other"', 'field "name" is "other" but the folder is "two_tower"'],
    ['parameters { key: "intra_op_threads" value { string_value: "2" } }', 'unknown parameter "intra_op_threads"'],
    ['parameters { key: "intra_op_thread_count" value { string_value: "all" } }', 'must be a whole number'],
    ['parameters { key: "execution_mode" value { string_value: "0" } key: "x" }', 'is set twice'],
    ['max_batch_size: 8 parameters { key: "batch_buckets" value { string_value: "1,16" } }', 'up to max_batch_size'],
    ['max_batch_size 8', ':1:16: ":" or "{" expected'],
    ['dynamic_batching {\n', ':2:1: "}" is missing'],
    ['name: "two', 'does not end on its line'],
    ['name: "\\q"', 'the escape "\\q" is not known'],
    ['input [ { name: "a" } }', '"," or "]" expected'],
    ['input {'.repeat(40), 'nested deeper than 32'],
    ['@', 'a field name expected, found "@"'],
  ])('refuses %j, saying where', (text, message) => {
    expect(error(text)).toContain(message)
  })
})
