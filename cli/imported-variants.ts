import type { Experiment } from '../schemas/experiment.ts'
import { importedName, type ListImport } from '../schemas/imported-list.ts'
import type { OpenPorts } from './compose.ts'
import type { Config } from './config.ts'
import { readImport } from './import-lists.ts'

/** A variant with lists of another vendor, on one surface, and their import; null if there is none, or no more. */
export interface ImportedVariant {
  readonly variant: string
  readonly surface: string
  readonly name: string
  readonly import: ListImport | null
}

/** How it stands with imported lists of an experiment's variants, where the experiment applies, or else where lists of ours are shown. */
export async function importedVariants(
  ports: Pick<OpenPorts, 'lists'>,
  { variants, surfaces }: Experiment,
  config: Config,
): Promise<ImportedVariant[]> {
  const found: ImportedVariant[] = []
  for (const { name: variant, policy } of variants) {
    const name = importedName(policy)
    if (name === null) continue
    for (const surface of surfaces.length > 0 ? surfaces : [config.recommendations.surface])
      found.push({ variant, surface, name, import: await readImport(ports, { name, surface }) })
  }
  return found
}

/** What is wrong with them, and how to mend it; null if nothing is. */
export function missingImport(variants: readonly ImportedVariant[]): string | null {
  const missing = variants.find((one) => one.import === null)
  return missing === undefined
    ? null
    : `variant "${missing.variant}": nothing is imported as ${missing.name} for the surface ${missing.surface}: millrace lists import <file> --as ${missing.name} --surface ${missing.surface}`
}

/** One of them in words. */
export function wordImport({ variant, surface, name, import: lists }: ImportedVariant): string {
  if (lists === null) return `${variant}: nothing is imported as ${name} for ${surface} any more: its people see the trend list`
  const all = lists.items.length > 0 ? 'a list of the vendor' : 'the trend list'
  return `${variant}: ${lists.lists} lists of persons imported as ${name} for ${surface} at ${time(lists.importedMs)}, shown until ${time(lists.expiresMs)}; everybody else sees ${all}`
}

function time(ms: number): string {
  return new Date(ms).toISOString()
}
