import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A Lua script and the digest the server knows it by. */
export interface RedisScript {
  readonly text: string
  readonly sha: string
}

/** Reads a script that lies beside this file. */
export function redisScript(name: string): RedisScript {
  const text = readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
