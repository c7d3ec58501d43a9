import { configSchema } from '../cli/config.ts'

interface Field {
  readonly type?: string
  readonly default?: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, Field>>
}

/** The page docs/configuration.md, made of the schema that every configuration is checked with. */
export function configurationPage(): string {
  const head =
    '# Configuration\n\nMade from `cli/config.ts` by `npm run docs`; do not edit. A file given with `--config` (without one: `config/embedded.json`), over it\n`MILLRACE_<SECTION>_<FIELD>` from the environment (`MILLRACE_REDIS_URL`), over it `--set section.field=value`.\n\n| field | default | |\n|---|---|---|\n'
  return `${head}${rowsOf(configSchema as unknown as Field, '').join('\n')}\n`
}

function rowsOf({ properties = {} }: Field, prefix: string): string[] {
  return Object.entries(properties).flatMap(([name, field]) =>
    field.properties ? rowsOf(field, `${prefix}${name}.`) : [row(`${prefix}${name}`, field)],
  )
}

function row(name: string, { default: value, description }: Field): string {
  return `| \`${name}\` | \`${JSON.stringify(value)}\` | ${description ?? ''} |`
}
