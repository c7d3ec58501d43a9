import type { CommandModule } from 'yargs'
import { configOf, type GlobalFlags } from '../global-flags.ts'
import { printJson, printTable } from '../print.ts'
import { topologyGraph } from '../topology-graph.ts'

interface NameFlags extends GlobalFlags {
  readonly topology: string
}

const ls: CommandModule<object, GlobalFlags> = {
  command: 'ls',
  describe: 'All topologies with what they read and write',
  handler: async (flags) => {
    const config = configOf(flags)
    const { topologyNames } = await import('../topologies.ts')
    const rows = []
    for (const name of topologyNames) {
      const { nodes } = await topologyGraph(name, config)
      rows.push({
        name,
        reads: nodes.flatMap((node) => (node.kind === 'source' ? [node.topic] : [])),
        tables: nodes.flatMap((node) => (node.kind === 'table' ? [node.topic] : [])),
        writes: nodes.flatMap((node) => (node.kind === 'sink' ? [node.target] : [])),
      })
    }
    if (flags.json) printJson(rows)
    else
      printTable(
        ['topology', 'reads', 'tables', 'writes'],
        rows.map((row) => [row.name, row.reads.join(' '), row.tables.join(' '), row.writes.join(' ')]),
        'no topologies',
      )
  },
}

const describe: CommandModule<object, NameFlags> = {
  command: 'describe <topology>',
  describe: 'The steps of one topology in order',
  builder: (yargs) => yargs.positional('topology', { type: 'string', demandOption: true, describe: 'Its name' }) as never,
  handler: async (flags) => {
    const { describeGraph, graphAsData } = await import('../../runtime/describe-graph.ts')
    const graph = await topologyGraph(flags.topology, configOf(flags))
    if (flags.json) printJson(graphAsData(graph))
    else process.stdout.write(describeGraph(graph))
  },
}

const graph: CommandModule<object, NameFlags & { readonly format: 'text' | 'json' | 'mermaid' }> = {
  command: 'graph <topology>',
  describe: 'One topology as a drawing; needs no broker',
  builder: (yargs) =>
    yargs.positional('topology', { type: 'string', demandOption: true, describe: 'Its name' }).option('format', {
      choices: ['text', 'json', 'mermaid'] as const,
      default: 'text',
      describe: 'Form of the drawing',
    }) as never,
  handler: async (flags) => {
    const { describeGraph, graphAsData, graphAsMermaid } = await import('../../runtime/describe-graph.ts')
    const found = await topologyGraph(flags.topology, configOf(flags))
    if (flags.json || flags.format === 'json') printJson(graphAsData(found))
    else process.stdout.write(flags.format === 'mermaid' ? graphAsMermaid(found) : describeGraph(found))
  },
}

/** `millrace topologies ls | describe | graph`. */
export const topologiesCommand: CommandModule = {
  command: 'topologies',
  describe: 'List, describe and draw topologies',
  builder: (yargs) =>
    yargs.command(ls).command(describe).command(graph).demandCommand(1, 'name what to do: ls, describe or graph'),
  handler: () => {},
}
