import { rankerColumns, schemaWidths } from '../algorithms/ranker-features.ts'
import { featureHomes } from './feature-homes.ts'

const head = `# Features

Made from \`algorithms/ranker\` by \`npm run docs\`; do not edit. \`millrace features [--json]\` prints the same. Columns are only ever appended
([ADR 0015](adr/0015-feature-columns-are-appended.md)): a ranker takes the first ones, as many as it learned, and a logged row tells by its
length which schema it is of. All are as of the event time of the person's newest event; days have 24 hours, and what is not known is the
middle or 0 with a column beside it that says so.

Columns from the person follow from one record of \`feature-updates\`, those from the item from one of \`item-updates\`; \`millrace models audit\`
computes both again, bit by bit. What follows from the tables of all items at that moment is told apart there.
`

/** The page docs/features.md, made of the one list of columns. */
export function featurePage(): string {
  const sections = schemaWidths.map((width, at) => {
    const rows = rankerColumns
      .map((column, number) => ({ ...column, number }))
      .filter(({ schema }) => schema === at + 1)
      .map(({ number, name, from, range, meaning }) => {
        return `| ${number} | \`${name}\` | ${from} | ${range[0]} … ${range[1]} | ${meaning.replaceAll('|', '\\|')} |`
      })
    const title = `## Schema ${at + 1}: ${width} columns`
    return `\n${title}\n\n| column | name | from | range | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
  })
  return `${head}${sections.join('')}${homes()}`
}

/** The table of what was planned and where it lives. */
function homes(): string {
  const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ')
  const rows = featureHomes.map(
    ({ id, feature, files, columns, otherwise }) => `| ${id} | ${feature} | ${code(files)} | ${code(columns)} | ${otherwise} |`,
  )
  return `\n## Where each feature lives\n\n| | feature | made in | columns, among others | otherwise than planned |\n|---|---|---|---|---|\n${rows.join('\n')}\n`
}

/** What training programs know of the columns, as JSON: names in order, and how many each schema has. */
export function featureNames(): string {
  return `${JSON.stringify({ schemaWidths, names: rankerColumns.map(({ name }) => name) }, null, 1)}\n`
}
