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
  const rows = Object.entries(configSchema.properties as unknown as Record<string, Field>).flatMap(([section, field]) =>
    field.properties
      ? Object.entries(field.properties).map(([name, inner]) => row(`${section}.${name}`, inner))
      : [row(section, field)],
  )
  return `${head}${rows.join('\n')}\n`
}

function row(name: string, { default: value, description }: Field): string {
  return `| \`${name}\` | \`${JSON.stringify(value)}\` | ${description ?? ''} |`
}
