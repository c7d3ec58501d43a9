import { describe } from 'vitest'
import type { ServiceKind } from '../../cli/services/service.ts'

/** The environment variable that names a service's address to the tests. */
export function serviceVariable(kind: ServiceKind): string {
  return `MILLRACE_TEST_${kind.toUpperCase().replaceAll('-', '_')}`
}

/** True where a missing service is a failure instead of a skip (MILLRACE_REQUIRE_SERVICES=1). */
export function servicesAreRequired(): boolean {
  return process.env['MILLRACE_REQUIRE_SERVICES'] === '1'
}

/**
 * The address of a service, or null where it could not be brought up; throws instead of null where services are required.
 * For tests that need to decide by themselves; most use `describeWithService`.
 */
export function requireService(kind: ServiceKind): string | null {
  const variable = serviceVariable(kind)
  const address = process.env[variable]
  if (address) return address
  const reason = process.env[`${variable}_MISSING`] ?? `${variable} is not set`
  if (servicesAreRequired()) throw new Error(`${kind} is required (MILLRACE_REQUIRE_SERVICES=1) and missing: ${reason}`)
  return null
}

/** A `describe` whose body gets the service's address; without the service it is one skipped test that tells the reason. */
export function describeWithService(kind: ServiceKind, name: string, body: (address: string) => void): void {
  describeWithServices([kind], name, ([address]) => body(address!))
}

/** Like `describeWithService`, for a suite that needs several services; the addresses come in the order asked for. */
export function describeWithServices(kinds: readonly ServiceKind[], name: string, body: (addresses: string[]) => void): void {
  const addresses = kinds.map(requireService)
  const missing = kinds.find((_, index) => addresses[index] === null)
  if (missing === undefined) {
    describe(name, () => body(addresses as string[]))
    return
  }
  const reason = (process.env[`${serviceVariable(missing)}_MISSING`] ?? `${serviceVariable(missing)} is not set`).split('\n')[0]
  describe.skip(`${name} (skipped: ${missing} is missing: ${reason})`, () => body(kinds.map(() => '127.0.0.1:1')))
}
