#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { collectLess } from '../core/collect-less.ts'
import { MillraceError } from '../core/errors.ts'
import type { Logger } from '../ports/logger.ts'

// The inference worker as a process of its own. One JSON line on stdout when it is ready, log lines as JSON on stderr, a
// drain on SIGTERM or SIGINT, exit 0 after it, exit 2 for a wrong flag.

const usage = `Usage: node gpu-workers/main.ts --repository DIR [options]

  --repository DIR   model repository in Triton's layout
  --host HOST        address to listen on (default 127.0.0.1)
  --port PORT        gRPC port (default 8001; 0 = a free one)
  --http-port PORT   port of /metrics and /v2/health (default 8002; 0 = a free one)
  --provider NAME    cpu (default) or cuda, which falls back to the CPU and says so
  --sessions COUNT   sessions per model (default 0 = what each config.pbtxt says)
  --stdin-lease      drain and exit when standard input ends, so that a worker never outlives who started it
`

class UsageError extends Error {}

try {
  await main(process.argv.slice(2))
} catch (error) {
  const refused = error instanceof UsageError || (error instanceof MillraceError && error.reaction === 'refuse')
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = refused ? 2 : 70
}

async function main(args: readonly string[]): Promise<void> {
  const flags = readFlags(args)
  if (flags === 'help') {
    process.stdout.write(usage)
    return
  }
  collectLess()
  const { startInferenceServer } = await import('./inference-server.ts') // Late: a wrong flag is answered without loading gRPC.
  const server = await startInferenceServer({ ...flags, logger: stderrLogger({}) })
  let stopping = false
  const stop = (): void => {
    stopping = true
    void server.close().then(() => process.exit(0))
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  if (flags.stdinLease) process.stdin.resume().once('end', stop)
  await server.loaded
  if (stopping) return
  process.stdout.write(
    `${JSON.stringify({ ready: true, address: server.address, port: server.port, httpPort: server.httpPort })}\n`,
  )
}

function readFlags(args: readonly string[]) {
  const text = { type: 'string' } as const
  const { values } = parse(() =>
    parseArgs({
      args: [...args],
      options: {
        repository: text,
        host: text,
        port: text,
        'http-port': text,
        provider: text,
        sessions: text,
        'stdin-lease': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }),
  )
  if (values.help) return 'help'
  if (!values.repository) throw new UsageError('--repository is missing: name the folder that holds the models')
  const provider = values.provider ?? 'cpu'
  if (provider !== 'cpu' && provider !== 'cuda') throw new UsageError(`--provider must be cpu or cuda, not "${provider}"`)
  return {
    repository: values.repository,
    host: values.host ?? '127.0.0.1',
    port: wholeNumber('--port', values.port ?? '8001', 65_535),
    httpPort: wholeNumber('--http-port', values['http-port'] ?? '8002', 65_535),
    sessions: wholeNumber('--sessions', values.sessions ?? '0', 64),
    provider,
    stdinLease: values['stdin-lease'] ?? false,
  } as const
}

function parse<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${usage}`)
  }
}

function wholeNumber(flag: string, text: string, max: number): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isInteger(value) || value < 0 || value > max) {
    throw new UsageError(`${flag} must be a whole number from 0 to ${max}, not "${text}"`)
  }
  return value
}

function stderrLogger(fixed: Readonly<Record<string, unknown>>): Logger {
  const at =
    (level: string) =>
    (fields: Readonly<Record<string, unknown>>, message: string): void => {
      process.stderr.write(`${JSON.stringify({ level, time: new Date().toISOString(), ...fixed, ...fields, message })}\n`)
    }
  return {
    debug() {},
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => stderrLogger({ ...fixed, ...fields }),
  }
}
