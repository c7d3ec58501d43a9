import { movesTime } from '../core/moves-time.ts'
import type { StateFamily } from '../ports/batch.ts'
import type { Graph, SourceNode } from './graph.ts'

/**
 * What a task stores of event time: per timed topic the largest event time seen and, if it was found idle, the mark set for it;
 * and the watermark that its last batch saw (null: none yet), which a mark committed since then has not moved.
 */
export interface StoredTime {
  readonly newestMs: Record<string, number>
  readonly marksMs: Record<string, number>
  readonly reachedMs: number | null
}

/** One state key per task; JSON because it is tiny and people read it. */
export const timeFamily: StateFamily<StoredTime> = {
  name: '~time',
  codec: {
    encode: (value) =>
      Buffer.from(
        JSON.stringify({ newestMs: sorted(value.newestMs), marksMs: sorted(value.marksMs), reachedMs: value.reachedMs }),
      ),
    decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as StoredTime,
  },
}

/**
 * Event time of one task (streaming-notes.md section 4): a watermark per timed topic, merged by minimum. It is part of the
 * state, so a replay sees the same time. A topic found idle gets a *mark*, which takes part as if an event of that time had
 * come; the mark is committed before it takes effect, so outputs stay a pure function of stored state and records.
 */
export class TaskTime {
  readonly #sources: ReadonlyMap<string, SourceNode>
  readonly #newestMs: Record<string, number> = {}
  readonly #marksMs: Record<string, number> = {}
  /** The watermark that the last batch saw. */
  #reachedMs: number

  constructor(graph: Graph, stored: StoredTime | undefined) {
    this.#sources = new Map(graph.nodes.flatMap((node) => (node.kind === 'source' && node.timeOf ? [[node.topic, node]] : [])))
    Object.assign(this.#newestMs, stored?.newestMs)
    Object.assign(this.#marksMs, stored?.marksMs)
    this.#reachedMs = stored?.reachedMs ?? Number.NEGATIVE_INFINITY
  }

  /** Notes the watermark that a batch saw. */
  reach(watermarkMs: number): void {
    if (watermarkMs > this.#reachedMs) this.#reachedMs = watermarkMs
  }

  /** Topics whose records move time. */
  get topics(): readonly string[] {
    return [...this.#sources.keys()]
  }

  /** The merged watermark; -Infinity while a timed topic has shown nothing and has no mark. */
  watermarkMs(): number {
    let smallest = Number.POSITIVE_INFINITY
    for (const topic of this.#sources.keys())
      smallest = Math.min(smallest, Math.max(this.topicWatermarkMs(topic), this.#marksMs[topic] ?? Number.NEGATIVE_INFINITY))
    return smallest === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : smallest
  }

  /** One topic's own watermark; marks do not count. */
  topicWatermarkMs(topic: string): number {
    const newest = this.#newestMs[topic]
    return newest === undefined ? Number.NEGATIVE_INFINITY : newest - (this.#sources.get(topic)?.latenessMs ?? 0)
  }

  /** Sees a record; says nothing for untimed topics and for times too far ahead of the log. */
  observe(topic: string, value: unknown, loggedMs: number): void {
    const timeMs = this.#sources.get(topic)?.timeOf?.(value)
    if (timeMs === undefined || !movesTime(timeMs, loggedMs)) return
    const newest = this.#newestMs[topic]
    if (newest === undefined || timeMs > newest) this.#newestMs[topic] = timeMs
  }

  /**
   * Sets marks for idle ones of `topics`, up to the largest watermark of the others; true if the merged watermark will move by it.
   * Commit the stored form before using the new watermark.
   */
  markIdle(idle: ReadonlySet<string>): boolean {
    let newest = Number.NEGATIVE_INFINITY
    for (const topic of this.#sources.keys()) if (!idle.has(topic)) newest = Math.max(newest, this.topicWatermarkMs(topic))
    if (newest === Number.NEGATIVE_INFINITY) return false
    const before = this.watermarkMs()
    for (const topic of idle) if (newest > (this.#marksMs[topic] ?? Number.NEGATIVE_INFINITY)) this.#marksMs[topic] = newest
    return this.watermarkMs() > before
  }

  /** Takes over marks that another run of the same task has set. */
  adoptMarks(marksMs: Readonly<Record<string, number>>): void {
    for (const [topic, markMs] of Object.entries(marksMs))
      this.#marksMs[topic] = Math.max(markMs, this.#marksMs[topic] ?? Number.NEGATIVE_INFINITY)
  }

  stored(): StoredTime {
    return {
      newestMs: { ...this.#newestMs },
      marksMs: { ...this.#marksMs },
      reachedMs: Number.isFinite(this.#reachedMs) ? this.#reachedMs : null,
    }
  }
}

function sorted(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
}
