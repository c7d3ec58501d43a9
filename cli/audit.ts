import { appendFileSync, mkdirSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import type { Config } from './config.ts'

/** Keeps a line about a destructive act in `audit.jsonl` beside the embedded file: who, when, what and why. */
export function audit(config: Config, act: string, details: Readonly<Record<string, unknown>>): void {
  const folder = config.embedded.path === ':memory:' ? '.millrace' : dirname(config.embedded.path)
  mkdirSync(folder, { recursive: true })
  const line = { time: new Date().toISOString(), user: userInfo().username, act, ...details }
  appendFileSync(join(folder, 'audit.jsonl'), `${JSON.stringify(line)}\n`)
}
