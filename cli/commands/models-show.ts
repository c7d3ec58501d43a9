import type { CommandModule } from 'yargs'
import { MillraceError } from '../../core/errors.ts'
import type { ModelComparison, ModelRun } from '../../gpu-workers/model-run.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { localShelf } from '../local-shelf.ts'
import { printJson, printTable } from '../print.ts'

interface ShowFlags extends GlobalFlags {
  readonly model: string
  readonly version: number | undefined
}

type Shown = { readonly version: number; readonly inUse: boolean } & Partial<ModelRun>

/** `millrace models show <model> [version]`: what its versions were made from and how good they are. */
export const modelsShowCommand: CommandModule<object, ShowFlags> = {
  command: 'show <model> [version]',
  describe:
    'Versions of a model in the local repository: data range, code, comparison; of one version its figures and parameters too',
  builder: (yargs) =>
    yargs
      .positional('model', { type: 'string', demandOption: true, describe: 'Its folder in the repository' })
      .positional('version', { type: 'number', describe: 'One version; without it all are listed and that in use is shown' })
      .example('$0 models show ranker 2', 'what version 2 learned from and how it compares') as never,
  handler: async (flags) => {
    const shelf = await localShelf(flags)
    const { kept, served, before } = await shelf.find(flags.model)
    if (flags.version !== undefined && !kept.includes(flags.version))
      throw new MillraceError(
        'MILL_NOT_FOUND',
        `${flags.model} has no version ${flags.version}; kept are ${kept.join(', ') || 'none'}`,
      )
    const versions: Shown[] = await Promise.all(
      kept
        .filter((version) => flags.version === undefined || version === flags.version)
        .map(async (version) => ({ version, inUse: version === served, ...(await shelf.run(flags.model, version)) })),
    )
    if (flags.json) return printJson({ model: flags.model, inUse: served, before, versions })
    if (flags.version === undefined)
      printTable(
        ['version', 'in use', 'weights of', 'learned from', 'until', 'rows', 'code', 'against the version then in use'],
        versions.map((one) => [
          one.version,
          one.inUse ? 'yes' : 'no',
          one.parent ?? 'fresh',
          dayOf(one.data?.fromMs),
          dayOf(one.data?.toMs),
          one.data?.rows ?? null,
          one.code ?? null,
          comparisonText(one.comparison),
        ]),
        `${flags.model} has no version`,
      )
    const chosen = versions.find(({ version, inUse }) => (flags.version === undefined ? inUse : version === flags.version))
    if (chosen) tell(flags.model, chosen)
  },
}

function tell(model: string, shown: Shown): void {
  console.log(
    `${model} ${shown.version}${shown.inUse ? ', in use' : ''}: ${shown.program ?? 'an unknown program'}, code ${shown.code ?? 'unknown'}, ${shown.parent ? `from the weights of version ${shown.parent}` : 'from fresh weights'}`,
  )
  if (shown.forced) console.log(`published in spite of its figures: ${shown.forced}`)
  for (const { file, sha256 } of shown.data?.files ?? []) console.log(`learned from ${file}, SHA-256 ${sha256}`)
  console.log(`against the version then in use: ${comparisonText(shown.comparison) ?? 'not compared'}`)
  printTable(['figure', 'value'], leaves(shown.metrics ?? {}), 'no figures')
  printTable(['parameter', 'value'], leaves(shown.parameters ?? {}), 'no parameters')
}

/** One line of how a version did; null where it was not compared. */
export function comparisonText(comparison: ModelComparison | null | undefined): string | null {
  if (!comparison) return null
  const { metric, difference, interval, accepted } = comparison
  if (difference === undefined || !interval) return `${comparison.with}: ${comparison.not_comparable ?? 'not comparable'}`
  const [low, high] = interval.map(signed)
  return `${comparison.with}: ${signed(difference)} [${low}, ${high}] ${metric}${accepted ? '' : ', refused'}`
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`
}

function dayOf(timeMs: number | null | undefined): string | null {
  return timeMs ? new Date(timeMs).toISOString().slice(0, 16) : null
}

/** The numbers and texts of nested figures, each with the path to it. */
function leaves(value: Readonly<Record<string, unknown>>, path = ''): (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === 'object' && inner !== null
      ? leaves(inner as Record<string, unknown>, `${path}${name}.`)
      : [[`${path}${name}`, typeof inner === 'number' ? Number(inner.toPrecision(5)) : inner] as const],
  )
}
