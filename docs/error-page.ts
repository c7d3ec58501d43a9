import { errorCodes, type Reaction } from '../core/errors.ts'

const reactions: Readonly<Record<Reaction, string>> = {
  retry: 'The world is unwell and the same input may work later: waits and tries again, with growing waits.',
  degrade: 'Too late or too full: the answer is made with less, and says so.',
  'dead-letter': 'This record will never work: it is kept with its bytes, position and reason, and its neighbours go on.',
  refuse: 'Impossible as asked: the message names the field and what to do; the command ends with exit code 2.',
  stop: 'A promise of our own is broken: the process stops before it does harm; a restart goes on from the store.',
}

/** The page docs/errors.md, made of the one table of error codes. */
export function errorPage(): string {
  const head = '# Errors\n\nMade from `core/errors.ts` by `npm run docs`; do not edit. Match on the code, never on the text.\n'
  const sections = (Object.keys(reactions) as Reaction[]).map((reaction) => {
    const rows = Object.entries(errorCodes)
      .filter(([, [own]]) => own === reaction)
      .map(([code, [, meaning]]) => `| \`${code}\` | ${meaning} |`)
    return `\n## ${reaction}\n\n${reactions[reaction]}\n\n| code | meaning |\n|---|---|\n${rows.join('\n')}\n`
  })
  return head + sections.join('')
}
