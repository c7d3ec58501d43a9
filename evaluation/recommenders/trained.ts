import { MillraceError } from '../../core/errors.ts'
import type { Inference, InferRequest, InferResponse } from '../../ports/inference.ts'
import type { Query, RankedList, Recommender, RecommenderSpec, RecommenderWorld } from '../recommender.ts'
import type { TrainedModel } from '../trained-model.ts'

/** An evaluation can wait: a first run on a busy machine takes its time. */
const deadlineMs = 60_000
/** Times a question is asked that came too late each time. */
const triesMax = 20

/** A model of the repository, asked as the engine asks it. It is never retrained here. */
class Trained implements Recommender {
  readonly #model: TrainedModel
  readonly #inference: Inference
  /** Per item of the data its row in the model, 0 for none; and back, −1 for none. */
  readonly #rowOf: Int32Array
  readonly #itemOf: Int32Array
  readonly #known: Uint8Array
  #answer: { readonly items: BigInt64Array; readonly scores: Float32Array } | null = null

  constructor(model: TrainedModel, inference: Inference, { itemIds }: RecommenderWorld) {
    this.#model = model
    this.#inference = inference
    const rows = new Map(model.items.map((id, n) => [id, n + 1]))
    this.#rowOf = Int32Array.from(itemIds, (id) => rows.get(id) ?? 0)
    this.#itemOf = new Int32Array(model.items.length + 1).fill(-1)
    this.#rowOf.forEach((row, item) => {
      if (row > 0) this.#itemOf[row] = item
    })
    this.#known = new Uint8Array(itemIds.length)
  }

  learn({ item }: { readonly item: number }): void {
    this.#known[item] = 1
  }

  async prepare({ userItems, sessionItems }: Readonly<Query>): Promise<void> {
    const { name, version, length } = this.#model
    const history = userItems.length > 0 ? userItems : sessionItems
    const rows = [...history].map((item) => this.#rowOf[item]!).filter((row) => row > 0)
    this.#answer = null
    if (rows.length === 0) return
    const data = new BigInt64Array(length)
    const newest = rows.slice(-length)
    newest.forEach((row, n) => {
      data[length - newest.length + n] = BigInt(row)
    })
    const inputs = [{ name: 'item_sequence', datatype: 'INT64', shape: [1, length], data }] as const
    const { outputs } = await this.#patiently({ model: name, version, inputs, outputs: ['item_ids', 'scores'], deadlineMs })
    const [items, scores] = ['item_ids', 'scores'].map((wanted) => outputs.find((output) => output.name === wanted)?.data)
    if (!(items instanceof BigInt64Array && scores instanceof Float32Array))
      throw new MillraceError('MILL_MODEL_INVALID', `${name} answers no item_ids (INT64) and scores (FP32)`)
    this.#answer = { items, scores }
  }

  /** A model's own queue may give a request up after a tenth of a second: right for serving, and no reason to end an evaluation. */
  async #patiently(request: InferRequest): Promise<InferResponse> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#inference.infer(request)
      } catch (error) {
        if (tries === triesMax || !(error instanceof MillraceError) || error.code !== 'MILL_INFERENCE_TIMEOUT') throw error
      }
    }
  }

  recommend({ excluded }: Readonly<Query>, n: number, out: RankedList): void {
    out.count = 0
    if (this.#answer === null) return
    const { items, scores } = this.#answer
    for (let at = 0; at < items.length && out.count < n; at++) {
      const item = this.#itemOf[Number(items[at])] ?? -1
      if (item < 0 || this.#known[item] === 0 || (excluded !== null && excluded[item] !== 0)) continue
      out.items[out.count] = item
      out.scores[out.count++] = scores[at]!
    }
  }
}

/** A model of the repository as an algorithm; its one setting says which version is judged. */
export function trainedSpec(model: TrainedModel, inference: Inference): RecommenderSpec<{ version: string }> {
  return {
    name: model.name,
    summary: `Version ${model.version} of the repository (${model.training.split}).`,
    defaults: { version: model.version },
    create(world, { version }) {
      if (version !== model.version)
        throw new MillraceError(
          'MILL_USAGE',
          `${model.name}.version=${version}: version ${model.version} is served; choose another with millrace models promote`,
        )
      return new Trained(model, inference, world)
    },
  }
}
