import type { CommandModule } from 'yargs'
import type { GlobalFlags } from '../global-flags.ts'

interface TestFlags extends GlobalFlags {
  readonly files: readonly string[] | undefined
  readonly project: string | undefined
}

/** `millrace test`: every test, the real services included. */
export const testCommand: CommandModule<object, TestFlags> = {
  command: 'test [files..]',
  describe: 'Run every test of this project, real services included; what cannot be brought up is told as skipped',
  builder: (yargs) =>
    yargs
      .positional('files', { type: 'string', array: true, describe: 'Only files whose path contains one of these' })
      .option('project', { choices: ['unit', 'services'] as const, describe: 'Only these tests' }) as never,
  handler: async (flags) => {
    const { runTests } = await import('../run-tests.ts')
    process.exitCode = await runTests({ files: flags.files ?? [], project: flags.project })
  },
}
