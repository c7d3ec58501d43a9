import type { CommandModule } from 'yargs'
import { exitCodes } from '../exit-codes.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'

/** `millrace doctor`: exit 1 if something is not as it must be. */
export const doctorCommand: CommandModule<object, GlobalFlags> = {
  command: 'doctor',
  describe: 'Check Node, ports, services, topics, schemas, models and state. Exit 1 if something is wrong',
  handler: async (flags) => {
    const { examine } = await import('../examine.ts')
    const findings = await examine(configOf(flags))
    if (findings.some((finding) => !finding.ok)) process.exitCode = exitCodes.no
    if (flags.json) printJson({ ok: findings.every((finding) => finding.ok), findings })
    else
      printTable(
        ['', 'check', 'finding'],
        findings.map(({ ok, check, finding }) => [ok ? 'ok' : 'NO', check, finding]),
        '',
      )
  },
}
