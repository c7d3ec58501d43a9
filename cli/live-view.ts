import { createLogUpdate } from 'log-update'
import colors from 'picocolors'
import type { ItemTable } from '../ports/item-table.ts'
import { type ServedList, wordReason } from '../schemas/served-list.ts'
import type { UserEvent } from '../schemas/user-event.ts'
import type { RunStatistics } from './run-statistics.ts'

/** Items of the watched list that are printed; of the one before, in a single line, fewer. */
const itemsShown = 5
const itemsBefore = 3
/** A person is watched for as long as they do something at least this often. */
const watchMsMax = 15_000
/** What the screen shows is read, so it moves at most this often. */
const switchMsMin = 4_000

export interface ViewSource {
  readonly statistics: RunStatistics
  readonly catalogue: ItemTable
  readonly address: string
  readonly stack: string
  inference(): { readonly rows: number; readonly requests: number; readonly failures: number }
  nowMs(): number
}

/** What made a list, in words. */
const rungWords: Readonly<Record<ServedList['rung'], string>> = {
  ranker: 'trained ranker',
  linear: 'linear ranker, no model needed',
  session: 'session sources alone, to catch up',
  trend: 'trend list',
}

interface Watched {
  readonly userId: string
  before: ServedList | null
  after: ServedList
  event: UserEvent | null
  changedMs: number
}

/** The terminal while a job runs: figures, and one person's list before and after what they did, with reasons. */
export class LiveView {
  readonly #source: ViewSource
  readonly #log: ReturnType<typeof createLogUpdate>
  #watched: Watched | null = null
  #lastEvent: UserEvent | null = null
  #last = { atMs: 0, events: 0, lists: 0, rows: 0, requests: 0 }
  #rates = { events: 0, lists: 0, rows: 0, requests: 0 }

  constructor(source: ViewSource, stream: NodeJS.WriteStream) {
    this.#source = source
    this.#log = createLogUpdate(stream)
  }

  /** Notes what a person did: the reason why a list of theirs changes next. */
  event(event: UserEvent): void {
    if (event.userId === this.#watched?.userId) this.#lastEvent = event
    else if (event.type === 'click' && this.#watched === null) this.#lastEvent = event
  }

  /** Notes a list that was swapped in. */
  list(list: ServedList): void {
    const nowMs = this.#source.nowMs()
    const watched = this.#watched
    if (watched && nowMs - watched.changedMs < watchMsMax) {
      if (list.userId !== watched.userId || nowMs - watched.changedMs < switchMsMin) return
      this.#watched = { userId: list.userId, before: watched.after, after: list, event: this.#lastEvent, changedMs: nowMs }
    } else if (list.rung !== 'trend' && list.items.length >= itemsShown) {
      this.#watched = { userId: list.userId, before: null, after: list, event: null, changedMs: nowMs }
    }
  }

  /** Draws the screen anew; call twice a second. */
  draw(): void {
    this.#measure()
    this.#log(this.text())
  }

  /** Leaves the last screen standing. */
  done(): void {
    this.#log.done()
  }

  /** The screen as text. */
  text(): string {
    return [this.#figures(), this.#policies(), this.#list()].filter((part) => part !== '').join('\n\n')
  }

  #measure(): void {
    const { statistics, nowMs, inference } = { ...this.#source, nowMs: this.#source.nowMs(), inference: this.#source.inference() }
    const seconds = (nowMs - this.#last.atMs) / 1000
    if (this.#last.atMs > 0 && seconds > 0) {
      this.#rates = {
        events: (statistics.events - this.#last.events) / seconds,
        lists: (statistics.lists - this.#last.lists) / seconds,
        rows: (inference.rows - this.#last.rows) / seconds,
        requests: (inference.requests - this.#last.requests) / seconds,
      }
    }
    this.#last = {
      atMs: nowMs,
      events: statistics.events,
      lists: statistics.lists,
      rows: inference.rows,
      requests: inference.requests,
    }
  }

  #figures(): string {
    const { statistics, address, stack } = this.#source
    const inference = this.#source.inference()
    const seconds = Math.floor((this.#source.nowMs() - statistics.startedMs) / 1000)
    const rungs = [...statistics.rungs].map(([rung, count]) => `${rung} ${count}`).join(', ') || 'none yet'
    const row = (label: string, text: string) => `  ${colors.dim(label.padEnd(14))}${text}`
    return [
      `${colors.bold('millrace')} ${stack}, ${seconds} s, gateway ${colors.cyan(address)}`,
      row('events', `${count(statistics.events)} applied, ${perSecond(this.#rates.events)}`),
      row('lists', `${count(statistics.lists)} written, ${perSecond(this.#rates.lists)}   rungs: ${rungs}`),
      row(
        'freshness',
        `p50 ${milliseconds(statistics.freshnessMs(0.5))}, p99 ${milliseconds(statistics.freshnessMs(0.99))} from the event in the log to the list`,
      ),
      row(
        'inference',
        `${perSecond(this.#rates.requests, 'batches')}, ${perSecond(this.#rates.rows, 'rows')}, ${inference.failures} failed`,
      ),
      row('learning', `${count(statistics.rewards)} rewards joined, ${count(statistics.banditUpdates)} bandit updates`),
      row('dead letters', `${statistics.deadLetters}, late ${statistics.late}`),
    ].join('\n')
  }

  #policies(): string {
    const rates = Object.entries(this.#source.statistics.clickThrough())
    return rates
      .map(([policy, { rate, lower, upper, slots }]) => {
        const interval = lower !== null && upper !== null ? ` (95 % ${percent(lower)}–${percent(upper)})` : ''
        return `  ${colors.dim('click-through')} ${policy.padEnd(8)} ${percent(rate)}${interval} of ${count(slots)} shown`
      })
      .join('\n')
  }

  #list(): string {
    const watched = this.#watched
    if (!watched) return ''
    const { before, after, event } = watched
    const title = (itemId: string) => this.#source.catalogue.get(itemId)?.title ?? itemId
    const did = event
      ? `${event.userId} did: ${event.type.replaceAll('_', ' ')} ${event.itemId === null ? `"${event.query}"` : title(event.itemId)}`
      : `${after.userId}'s list`
    const lines = [`  ${colors.bold(did)}`]
    if (before)
      lines.push(
        `  ${colors.dim('before')}   ${before.items
          .slice(0, itemsBefore)
          .map((item) => title(item.itemId))
          .join(colors.dim(' | '))}`,
      )
    lines.push(`  ${colors.dim(`after, ${after.generatedMs - after.loggedMs} ms later, by the ${rungWords[after.rung]}`)}`)
    for (const item of after.items.slice(0, itemsShown)) {
      const isNew = before !== null && !before.items.slice(0, itemsShown).some((old) => old.itemId === item.itemId)
      lines.push(
        `   ${isNew ? colors.green('+') : ' '} ${title(item.itemId).padEnd(34).slice(0, 34)} ${colors.dim(wordReason(item.reason, title))}`,
      )
    }
    return lines.join('\n')
  }
}

function count(value: number): string {
  return value.toLocaleString('en')
}

function perSecond(value: number, unit = ''): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ${unit === '' ? '' : `${unit}`}/s`.replace(' /s', '/s')
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(0)} ms`
}

function percent(rate: number): string {
  return `${(100 * rate).toFixed(2)} %`
}
