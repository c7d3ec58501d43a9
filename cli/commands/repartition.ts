import type { CommandModule } from 'yargs'
import type { RepartitionOptions, RepartitionPlan } from '../../runtime/repartition.ts'
import { AdminClient } from '../admin-client.ts'
import { audit } from '../audit.ts'
import type { OpenPorts } from '../compose.ts'
import type { Config } from '../config.ts'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { GuardError } from '../guard-error.ts'
import { printJson, printTable } from '../print.ts'
import { wholeNumber } from '../whole-number.ts'
import { withPorts } from '../with-ports.ts'

interface RepartitionFlags extends GlobalFlags {
  readonly partitions: number
  readonly execute: boolean
  readonly reason: string | undefined
  readonly address: string | undefined
}

/** `millrace repartition --partitions N`: more partitions, with the state where their keys then lie. */
export const repartitionCommand: CommandModule<object, RepartitionFlags> = {
  command: 'repartition',
  describe: 'Give every topic more partitions and move the state along; a dry run unless --execute',
  builder: (yargs) =>
    yargs
      .option('partitions', {
        coerce: wholeNumber('partitions', { min: 1, max: 1_024 }),
        requiresArg: true,
        demandOption: true,
        describe: 'The new count: a multiple of the present one',
      })
      .option('execute', { type: 'boolean', default: false, describe: 'Do it; may be killed and run again' })
      .option('reason', { type: 'string', requiresArg: true, describe: 'Why, for the audit; needed with --execute' })
      .option('address', {
        type: 'string',
        requiresArg: true,
        describe: 'host:port of the admin side to look for a running engine',
      })
      .example('$0 repartition --partitions 8', 'what would move')
      .example('$0 repartition --partitions 8 --execute --reason "twice the traffic"', 'move it') as never,
  handler: async (flags) => {
    const config = configOf(flags)
    if (flags.execute && !flags.reason) throw new GuardError('--execute needs --reason "why": it is kept in the audit')
    const { repartitionOptions } = await import('../repartition-options.ts')
    const { planRepartition, repartition } = await import('../../runtime/repartition.ts')
    const options = await repartitionOptions(config, flags.partitions)
    await withPorts(config, async (ports) => {
      const plan = await planRepartition(ports, options)
      if (flags.execute) {
        await refuseLive(config, ports, options, flags.address)
        if (plan.behind.length > 0) throw new GuardError(`${plan.behind.join('; ')}. ${howToDrain}`)
        audit(config, 'repartition', { from: plan.from, to: plan.to, reason: flags.reason, goesOnFrom: plan.unfinished })
        const onStep = flags.json ? undefined : (step: string) => console.log(step)
        await repartition(ports, onStep ? { ...options, onStep } : options)
      }
      if (flags.json) printJson({ ...plan, executed: flags.execute })
      else tell(plan, flags.execute)
    })
  },
}

const howToDrain = 'Stop whatever sends, let the engine apply everything (millrace status shows lag 0), stop it, then try again'

async function refuseLive(
  config: Config,
  ports: OpenPorts,
  { topologies }: RepartitionOptions,
  address: string | undefined,
): Promise<void> {
  const running = await new AdminClient(config, address).status().catch(() => null)
  const live = running?.topologies.find(({ state }) => state !== 'stopped')
  if (live) throw new GuardError(`an engine runs ${live.name} (${live.state}): stop it first`)
  for (const { name } of topologies) {
    const members = await ports.log.groupSize(`millrace.${name}`)
    if (members > 0)
      throw new GuardError(
        `${members} processes run ${name}: stop them first (one that was killed counts until its session has timed out)`,
      )
  }
}

function tell(plan: RepartitionPlan, executed: boolean): void {
  const rows = plan.tasks.map(({ topology, partition, keys, moving }) => [topology, partition, keys, moving])
  printTable(['topology', 'partition', 'state keys', 'that move'], rows, 'there is no state')
  if (executed) {
    console.log(`moved from ${plan.from} to ${plan.to} partitions: set "partitions": ${plan.to} everywhere, then start`)
    return
  }
  if (plan.unfinished) console.log(`a move from ${plan.from} to ${plan.to} was begun and stopped at "${plan.unfinished}"`)
  for (const each of plan.behind) console.log(each)
  if (plan.behind.length > 0) console.log(howToDrain)
  console.log('nothing was changed; add --execute --reason "why" to do it')
}
