import type { OperatorDoc } from './operator-docs.ts'

/** The page docs/operators.md, made of the operators' own comments. */
export function operatorPage(docs: readonly OperatorDoc[]): string {
  const parts = docs.map(({ name, file, text, diagram, promises }) => {
    const list = promises.map(([promise, words]) => `- ${promise}: ${words.trim()}`).join('\n')
    return `## ${name}\n\n[${file}](../${file})\n\n${text}\n\n\`\`\`text\n${diagram}\n\`\`\`\n\n${list}\n`
  })
  const head = [
    '# Operators',
    '',
    'Made from the comments in `operators/` by `npm run docs`; do not edit.',
    'An operator turns a stream of batches into a stream of batches. In a diagram `x` and `y` are batches, `-` is time, `|` the end.',
    '',
  ]
  return `${head.join('\n')}\n${parts.join('\n')}`
}
