import { MillraceError } from '../../core/errors.ts'

/** What a task asks of the world. */
export type CallKind = 'open' | 'read' | 'send' | 'swap' | 'commit' | 'score'

/** One effect, cut into steps that the world may do apart: mostly one. */
export interface Effect<R> {
  /** Does it whole and says what came of it. */
  run(late?: boolean): R
  /** Does a part, as when a request went to several servers and some of them died. */
  part?: () => void
}

/** A call that waits for its answer. */
export interface Call {
  readonly kind: CallKind
  readonly owner: number
  readonly partition: number
  /** Does it and answers. */
  answer(): void
  /** Does it without answering; `late` if its sender has given up on it. */
  apply(late?: boolean): void
  applyPart(): void
  /** Answers that nothing is known. */
  reject(): void
}

/** Calls of all tasks that wait for an answer; who is answered, and when, is the scheduler's choice. */
export class Calls {
  readonly #waiting: Call[] = []

  get waiting(): readonly Call[] {
    return this.#waiting
  }

  /** Asks; the answer comes when the scheduler takes the call. */
  ask<R>(from: { readonly kind: CallKind; readonly owner: number; readonly partition: number }, effect: Effect<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.#waiting.push({
        ...from,
        answer: () => {
          let result: R
          try {
            result = effect.run()
          } catch (error) {
            reject(error as Error)
            return
          }
          resolve(result)
        },
        apply: (late) => void effect.run(late),
        applyPart: () => (effect.part ?? effect.run)(),
        reject: () => reject(unwell(from.kind)),
      })
    })
  }

  take(call: Call): void {
    const at = this.#waiting.indexOf(call)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  of(owner: number): Call[] {
    return this.#waiting.filter((call) => call.owner === owner)
  }
}

function unwell(kind: CallKind): MillraceError {
  if (kind === 'score') return new MillraceError('MILL_INFERENCE_UNAVAILABLE', 'no worker answers')
  return new MillraceError(kind === 'send' ? 'MILL_LOG_UNAVAILABLE' : 'MILL_STORE_UNAVAILABLE', 'no answer')
}
