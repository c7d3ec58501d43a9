import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    // By default all cores but one: on a machine of two that is one file after the other.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/property-seed.ts'],
          include: ['test/**/*.test.ts'],
          exclude: ['test/services/**', 'node_modules/**'],
          // A bound on what hangs: tests of the command line start processes, and other work may hold the cores.
          testTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'services',
          include: ['test/services/**/*.test.ts'],
          globalSetup: ['test/services/global-setup.ts'],
          testTimeout: 120_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
})
