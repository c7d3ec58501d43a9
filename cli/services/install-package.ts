import { MillraceError } from '../../core/errors.ts'
import { findProgram } from './find-program.ts'
import { runCommand } from './run-command.ts'

const installTimeoutMs = 300_000

/**
 * Answers the path of a program, installing its Debian package first where the machine has none and we may (root, apt-get).
 * Errors: `MILL_SERVICE_START` naming what to install by hand.
 */
export async function installedProgram(program: string, aptPackage: string, log: (line: string) => void): Promise<string> {
  const found = findProgram(program)
  if (found) return found
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) {
    throw new MillraceError(
      'MILL_SERVICE_START',
      `${program} is not on the PATH; install it (Debian, Ubuntu: sudo apt-get install ${aptPackage}) and try again`,
      { details: { program, package: aptPackage } },
    )
  }
  log(`${program} is missing: installing ${aptPackage} with apt-get`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await runCommand('apt-get', ['update', '-q'], { timeoutMs: installTimeoutMs, env })
  await runCommand('apt-get', ['install', '-q', '-y', '--no-install-recommends', aptPackage], {
    timeoutMs: installTimeoutMs,
    env,
  })
  const installed = findProgram(program)
  if (!installed)
    throw new MillraceError('MILL_SERVICE_START', `${aptPackage} was installed but ${program} is still not on the PATH`)
  return installed
}
