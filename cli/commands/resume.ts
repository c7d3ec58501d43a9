import { actCommand } from '../act-command.ts'

/** `millrace resume <topology>`. */
export const resumeCommand = actCommand('resume', 'Go on after a pause')
