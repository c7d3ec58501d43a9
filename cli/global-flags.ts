import { fileURLToPath } from 'node:url'
import { MillraceError } from '../core/errors.ts'
import { type Config, loadConfig } from './config.ts'

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly json: boolean
  readonly config?: string | undefined
  readonly set?: readonly string[] | undefined
}

/** What commands use without `--config`: the embedded default. */
const defaultConfig = fileURLToPath(new URL('../config/embedded.json', import.meta.url))

/** The configuration of a command: file, then environment, then `--set`, then the command's own flags. Errors: `MILL_CONFIG_INVALID`. */
export function configOf(flags: GlobalFlags, overrides: Readonly<Record<string, unknown>> = {}): Config {
  const all: Record<string, unknown> = {}
  for (const part of flags.set ?? []) {
    const match = /^((?:[A-Za-z]+\.)*[A-Za-z]+)=(.*)$/.exec(part)
    if (!match) throw new MillraceError('MILL_USAGE', `--set ${part}: write section.field=value, e.g. --set gateway.port=0`)
    place(all, match[1]!.split('.'), match[2]!)
  }
  for (const [path, value] of Object.entries(overrides)) if (value !== undefined) place(all, path.split('.'), value)
  return loadConfig(flags.config ?? defaultConfig, all)
}

function place(target: Record<string, unknown>, [name, ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) target[name!] = value
  else {
    const inner = { ...(target[name!] as Record<string, unknown> | undefined) }
    place(inner, rest, value)
    target[name!] = inner
  }
}
