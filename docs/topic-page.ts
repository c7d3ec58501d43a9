import { type TopicDefinition, topics } from '../schemas/topics.ts'

const dayMs = 86_400_000

/** The page docs/topics.md, made of the one table of topics and their schemas. */
export function topicPage(): string {
  const head =
    '# Topics\n\nMade from `schemas/topics.ts` by `npm run docs`; do not edit. Values are Avro in the Confluent wire format; the subject of a topic is\n`<topic>-value`, registered BACKWARD compatible.\n\n| topic | value | kept | |\n|---|---|---|---|\n'
  const entries = Object.entries(topics as Record<string, TopicDefinition>)
  const rows = entries.map(([name, { schema, cleanup, retentionMs, doc }]) => {
    const kept = cleanup === 'compact' ? compacted(retentionMs) : `${(retentionMs ?? 0) / dayMs} d`
    return `| \`${name}\` | ${schema.name} | ${kept} | ${doc} |`
  })
  return `${head}${rows.join('\n')}${entries.map(([name, { schema }]) => fieldsOf(name, schema.text)).join('')}\n`
}

/** A compacted topic may hold on to what was replaced for a while. */
function compacted(retentionMs: number | undefined): string {
  return retentionMs === undefined ? 'newest per key' : `newest per key, all for ${retentionMs / 60_000} min`
}

function fieldsOf(topic: string, text: string): string {
  const { doc, fields } = JSON.parse(text) as { doc: string; fields: { name: string; doc: string }[] }
  return `\n\n## ${topic}\n\n${doc}\n\n${fields.map((field) => `- \`${field.name}\`: ${field.doc}`).join('\n')}`
}
