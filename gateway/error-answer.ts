import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { MillraceError } from '../core/errors.ts'
import type { Logger } from '../ports/logger.ts'

/** The body of every refusal: `{"error": {...}}`. */
export interface ErrorAnswer {
  readonly code: string
  readonly message: string
  /** The field that is wrong, where one is. */
  readonly field?: string
  /** Which of several events it is in, from 0. */
  readonly index?: number
}

const statusOfReaction = { retry: 503, degrade: 503, 'dead-letter': 400, refuse: 400, stop: 500 } as const

/** Answers any thrown value in the one shape of errors; what is our own fault is logged and not told. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  const { status, answer } = wordError(error)
  if (status === 503) void reply.header('retry-after', '1')
  if (status === 500) logger.error({ error: (error as Error)?.stack ?? String(error), url: request.url }, 'a request failed')
  void reply.code(status).send({ error: answer })
}

function wordError(error: unknown): { status: number; answer: ErrorAnswer } {
  if (error instanceof MillraceError) {
    const status = error.code === 'MILL_NOT_FOUND' ? 404 : statusOfReaction[error.reaction]
    if (status === 500) return internal
    const { field, index } = error.details as { field?: string; index?: number }
    return {
      status,
      answer: {
        code: error.code,
        message: error.message,
        ...(field === undefined ? {} : { field }),
        ...(index === undefined ? {} : { index }),
      },
    }
  }
  const failure = error as Partial<FastifyError>
  if (failure?.validation) return { status: 400, answer: wordValidation(failure as FastifyError) }
  const status = failure?.statusCode ?? 500
  if (status < 400 || status >= 500) return internal
  return { status, answer: { code: 'MILL_REQUEST_INVALID', message: failure.message ?? 'the request is wrong', field: 'body' } }
}

const internal = { status: 500, answer: { code: 'MILL_INVARIANT', message: 'internal error; it was logged' } }

/** The deepest fault tells most: `/events/3/price must be >= 0` → field price, index 3. */
function wordValidation(error: FastifyError): ErrorAnswer {
  const faults = error.validation!
  const fault = [...faults].sort((a, b) => depth(b.instancePath) - depth(a.instancePath))[0]!
  const path = fault.instancePath.split('/').slice(1)
  const params = fault.params as { missingProperty?: string; additionalProperty?: string; allowedValues?: readonly string[] }
  const inner = params.missingProperty ?? params.additionalProperty
  const names = inner === undefined ? path : [...path, inner]
  const index = path[0] === 'events' && path[1] !== undefined ? Number(path[1]) : undefined
  const field = (index === undefined ? names : names.slice(2)).join('.') || (error.validationContext ?? 'body')
  return {
    code: 'MILL_REQUEST_INVALID',
    message: wordFault(fault, field, params),
    field,
    ...(index === undefined ? {} : { index }),
  }
}

function wordFault(
  fault: { keyword: string; message?: string },
  field: string,
  params: { allowedValues?: readonly string[] },
): string {
  if (fault.keyword === 'additionalProperties') return `${field} is not a known field`
  if (fault.keyword === 'required') return `${field} is missing`
  if (fault.keyword === 'enum') return `${field} must be one of ${params.allowedValues?.join(', ')}`
  return `${field} ${fault.message ?? 'is wrong'}`
}

function depth(path: string): number {
  return path.split('/').length
}
