import { actCommand } from '../act-command.ts'

/** `millrace drain <topology>`. */
export const drainCommand = actCommand('drain', 'Finish what was fetched, commit, leave the group')
