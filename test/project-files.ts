import { execFileSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join, posix } from 'node:path'

export const root = join(import.meta.dirname, '..')

/** A source file with what it imports. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  /** The text without comments and without what stands in quotes. */
  readonly code: string
  readonly imports: readonly SourceImport[]
}

export interface SourceImport {
  /** As written. */
  readonly from: string
  /** Path from the root if it is one of ours, else null. */
  readonly ours: string | null
  readonly typeOnly: boolean
}

/** Every file that git knows and that still exists, with its size. */
export function projectFiles(): { path: string; sizeBytes: number }[] {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
    .trim()
    .split('\n')
  return listed.flatMap((path) => {
    const stat = statSync(join(root, path), { throwIfNoEntry: false })
    return stat?.isFile() ? [{ path, sizeBytes: stat.size }] : []
  })
}

/** Reads a source file and finds its imports: static ones, `await import(...)`, `new URL(..., import.meta.url)`. */
export function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8')
  const imports: SourceImport[] = []
  for (const [, kind, from] of text.matchAll(/^(?:import|export)( type)?\b[^'"();]*?from '([^']+)'/gm))
    imports.push(importOf(path, from!, kind !== undefined))
  for (const [, from] of text.matchAll(/^import '([^']+)'/gm)) imports.push(importOf(path, from!, false))
  for (const [, before, from] of text.matchAll(/(typeof )?\bimport\(\s*'([^']+)'/g))
    imports.push(importOf(path, from!, before !== undefined))
  for (const [, from] of text.matchAll(/new URL\('(\.[^']+)'/g)) imports.push(importOf(path, from!, false))
  return { path, text, code: withoutWords(text), imports }
}

function importOf(path: string, from: string, typeOnly: boolean): SourceImport {
  const ours = from.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), from)) : null
  return { from, ours, typeOnly }
}

function withoutWords(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/(^|\s)\/\/.*$/gm, '')
}
