import { type Logger as PinoLogger, pino } from 'pino'
import type { Logger } from '../ports/logger.ts'
import type { Config } from './config.ts'

/** JSON lines on standard error, so that standard output stays for results. */
export function openLogger(config: Pick<Config, 'log'>): Logger {
  return adapt(pino({ level: String(config.log.level), base: null }, pino.destination({ fd: 2, sync: true })))
}

function adapt(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => adapt(logger.child(fields)),
  }
}
