import fc from 'fast-check'

/**
 * The seed of every property: the same on each run, so that a red test is red for a change and not for the day; another by
 * `MILLRACE_TEST_SEED` (`MILLRACE_TEST_SEED=$RANDOM npx vitest run test/fuzz`), which is how new faults are looked for.
 */
const { MILLRACE_TEST_SEED: seed = '20260101' } = process.env
fc.configureGlobal({ seed: Number(seed) })
