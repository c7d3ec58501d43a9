/** A benchmark's command line: its name, flags without a value, and values by name. */
export interface CommandLine {
  readonly name: string | undefined
  readonly flags: ReadonlySet<string>
  readonly values: Readonly<Record<string, string>>
}

/** Reads `name --flag --option value --option=value`; `flags` are those that take no value. Errors: a word too many, a missing value. */
export function readCommandLine(words: readonly string[], flags: readonly string[]): CommandLine {
  const given = new Set<string>()
  const values: Record<string, string> = {}
  let name: string | undefined
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!
    if (!word.startsWith('--')) {
      if (name !== undefined) throw new Error(`"${word}" is one name too many`)
      name = word
      continue
    }
    const [option, ...rest] = word.slice(2).split('=')
    if (flags.includes(option!)) given.add(option!)
    else if (rest.length > 0) values[option!] = rest.join('=')
    else if (at + 1 < words.length) values[option!] = words[++at]!
    else throw new Error(`--${option} needs a value`)
  }
  return { name, flags: given, values }
}
