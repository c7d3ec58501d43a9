import type { Counter, Histogram, Metrics } from '../../ports/metrics.ts'
import { isDoubt, type ListGap } from './fill-list.ts'
import type { KeptLists } from './kept-lists.ts'

/** What the list keeper counts. */
export class KeeperMetrics {
  readonly #amended: Counter
  readonly #unheld: Counter
  readonly #lag: Histogram

  /** `parts` answers the lists known now. */
  constructor(metrics: Metrics, parts: () => readonly KeptLists[]) {
    this.#amended = metrics.counter(
      'millrace_amended_lists_total',
      'Stored lists amended because an item went, by what: removed, then filled, or short where no spare was left; or ruled, for a price changed.',
    )
    this.#unheld = metrics.counter(
      'millrace_unheld_lists_total',
      'Lists that are not amended when an item goes: there was no room to know what they hold (recommendations.heldListsMax).',
    )
    this.#lag = metrics.histogram(
      'millrace_amend_lag_ms',
      'From an item going to the stored lists being without it, one value per 500 lists.',
      [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000],
    )
    const sum = (of: (part: KeptLists) => number) => () => [{ value: parts().reduce((total, part) => total + of(part), 0) }]
    metrics.gauge(
      'millrace_held_lists',
      'Stored lists of which it is known what they hold.',
      sum(({ index }) => index.size),
    )
    metrics.gauge(
      'millrace_list_gaps',
      'Stored lists that lost an item and are not filled up yet.',
      sum(({ gaps }) => gaps.size),
    )
    metrics.gauge(
      'millrace_untold_lists',
      'Amended lists that are not published yet.',
      sum(({ untold }) => untold.size),
    )
  }

  unheld(): void {
    this.#unheld.add(1)
  }

  /** Items were taken out of some lists, so long after they went; undefined where it was the list that came later. */
  removed(isDone: readonly boolean[], lagMs: number | undefined): void {
    const count = isDone.filter(Boolean).length
    if (count === 0) return
    this.#amended.add(count, { what: 'removed' })
    if (lagMs !== undefined) this.#lag.record(lagMs)
  }

  filled(gap: ListGap, isShort: boolean): void {
    this.#amended.add(1, { what: isDoubt(gap) ? 'ruled' : isShort ? 'short' : 'filled' })
  }
}
