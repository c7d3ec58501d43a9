import { actCommand } from '../act-command.ts'

/** `millrace pause <topology>`. */
export const pauseCommand = actCommand('pause', 'Stop fetching but keep the membership')
