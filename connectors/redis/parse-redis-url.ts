import { MillraceError } from '../../core/errors.ts'

/** The parts of a Redis address. */
export interface RedisUrl {
  readonly isCluster: boolean
  readonly tls: boolean
  readonly nodes: readonly { readonly host: string; readonly port: number }[]
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
}

const form = /^(redis|rediss|redis-cluster|rediss-cluster):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]+?)(?:\/(\d*))?$/

/**
 * Reads `redis://[user:password@]host[:port][/db]`, `rediss://…` for TLS, and `redis-cluster://[user:password@]host:port,host:port…`
 * (`rediss-cluster://…`). Errors: `MILL_CONFIG_INVALID`; the message does not repeat the password.
 */
export function parseRedisUrl(url: string): RedisUrl {
  const match = form.exec(url)
  if (!match) throw invalid('use redis://host:port[/db] or redis-cluster://host:port,host:port')
  const [, scheme, username, password, hosts, db] = match
  const isCluster = scheme!.endsWith('-cluster')
  const nodes = hosts!.split(',').map(parseNode)
  if (!isCluster && nodes.length > 1) throw invalid('several hosts need redis-cluster://')
  if (isCluster && db) throw invalid('a cluster has no database number')
  return {
    isCluster,
    tls: scheme!.startsWith('rediss'),
    nodes,
    username: username ? decodeURIComponent(username) : undefined,
    password: password ? decodeURIComponent(password) : undefined,
    db: Number(db || 0),
  }
}

function parseNode(text: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text)
  const port = Number(match?.[2] ?? 6379)
  if (!match || port < 1 || port > 65_535) throw invalid(`"${text}" is not host:port`)
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port }
}

function invalid(reason: string): MillraceError {
  return new MillraceError('MILL_CONFIG_INVALID', `the Redis address is wrong: ${reason}`)
}
