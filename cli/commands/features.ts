import type { CommandModule } from 'yargs'
import { rankerColumns } from '../../algorithms/ranker-features.ts'
import type { GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'

/** `millrace features`: what the ranker is told of a person and an item. */
export const featuresCommand: CommandModule<object, GlobalFlags> = {
  command: 'features',
  describe: 'Every feature of the ranker: its column, the schema that brought it, what it follows from, its range and meaning',
  handler: ({ json }) => {
    const columns = rankerColumns.map(({ name, schema, from, range, meaning }, column) => ({
      column,
      name,
      schema,
      from,
      range,
      meaning,
    }))
    if (json) return printJson(columns)
    const rows = columns.map(({ range: [least, most], ...column }) => [
      column.column,
      column.name,
      column.schema,
      column.from,
      `${least} … ${most}`,
      column.meaning,
    ])
    printTable(['column', 'name', 'schema', 'from', 'range', 'meaning'], rows, 'no features')
  },
}
