import { MillraceError } from '../core/errors.ts'
import { parseTextFormat } from './text-format.ts'

/**
 * A config.pbtxt that serves one version only (`version_policy { specific { versions: [N] } }`, which a stock Triton reads too); all
 * else, comments included, stays as it was written. Errors: `MILL_MODEL_INVALID` for a text that does not parse.
 */
export function pinVersion(text: string, version: number, file: string): string {
  const pinned = `version_policy { specific { versions: [${version}] } }`
  const found = parseTextFormat(text, file).find(({ name }) => name === 'version_policy')
  if (!found) return `${text.replace(/\n*$/, '\n')}${pinned}\n`
  const lines = text.split('\n')
  const from = lines.slice(0, found.place.line - 1).join('\n').length + (found.place.line > 1 ? 1 : 0) + found.place.column - 1
  return text.slice(0, from) + pinned + text.slice(endOfMessage(text, from, file))
}

/** The index behind the message that begins at or after `from`, past comments and strings that hold braces. */
function endOfMessage(text: string, from: number, file: string): number {
  let depth = 0
  for (const token of text.slice(from).matchAll(/#[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[{}<>]/g)) {
    if (token[0] === '{' || token[0] === '<') depth++
    else if (token[0] === '}' || token[0] === '>') depth--
    else continue
    if (depth === 0) return from + token.index + 1
  }
  throw new MillraceError('MILL_MODEL_INVALID', `${file}: version_policy does not end`)
}
