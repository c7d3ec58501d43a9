#!/usr/bin/env node
// The command as any Node from 16 on can run it: it hands over to the Node that this project pins (main.ts needs native type
// stripping). Plain JavaScript on purpose, and nothing newer than ES2020.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const main = join(here, 'main.ts')
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 12)) await import('./main.ts')
else handOver()

function handOver() {
  // Installed by itself the pinned Node lies beside us, installed as a dependency one folder further up.
  const candidates = [join(here, '..', 'node_modules', 'node', 'bin', 'node'), join(here, '..', '..', 'node', 'bin', 'node')]
  const pinned = candidates.find((path) => existsSync(path))
  if (pinned === undefined) {
    process.stderr.write(`millrace needs Node 24.12 or newer, this is ${process.versions.node}; run "npm install" to get it\n`)
    process.exit(2)
  }
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches the child by itself (same terminal); it decides when it is done.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('error', (error) => {
    process.stderr.write(`${pinned} cannot be run: ${error.message}\n`)
    process.exit(70)
  })
  child.on('exit', (code, signal) => process.exit(signal ? 128 + (signal === 'SIGKILL' ? 9 : 15) : code))
}
