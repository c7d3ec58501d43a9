import { describe, expect, it } from 'vitest'
import { betaCdf, betaLogDensity, betaQuantile } from '../../algorithms/beta.ts'
import { chiSquareTail, gammaCdf, gammaTail } from '../../algorithms/gamma.ts'
import { gaussLegendre } from '../../algorithms/gauss-legendre.ts'
import { logBeta, logGamma } from '../../algorithms/log-gamma.ts'
import { normalCdf, normalQuantile, normalTwoSided } from '../../algorithms/normal.ts'
import { studentCritical, studentTwoSided } from '../../algorithms/student-t.ts'
import { expectRelative } from './close.ts'

// Expected values: mpmath 40 digits (log gamma, log beta) and scipy 1.17 (the rest).
describe('log gamma and log beta', () => {
  it('agree with mpmath', () => {
    for (const [x, expected] of [
      [1e-8, 18.42068073818021],
      [0.1, 2.252712651734206],
      [0.5, 0.5723649429247001],
      [1, 0],
      [1.5, -0.12078223763524522],
      [2.5, 0.2846828704729192],
      [5, 3.1780538303479458],
      [19.5, 37.861086508961094],
      [20.5, 40.8315009745308],
      [100.25, 360.28455963776423],
      [1e5, 1051287.7089736569],
      [1e9, 19723265827.503716],
    ] as const)
      expect(Math.abs(logGamma(x) - expected)).toBeLessThanOrEqual(4e-15 * (1 + Math.abs(expected)))
    for (const [a, b, expected] of [
      [0.5, 0.5, 1.1447298858494002],
      [1, 1, 0],
      [2, 10, -4.700480365792417],
      [1, 1e6, -13.815510557964274],
      [3.5, 1e8, -63.271409045236204],
      [1e5, 2e5, -190958.88527911686],
      [0.01, 50, 4.560458971309088],
    ] as const) {
      expectRelative(logBeta(a, b), expected, 2e-14)
      expectRelative(logBeta(b, a), expected, 2e-14)
    }
  })
})

describe('beta distribution', () => {
  it('cumulates as scipy does', () => {
    for (const [x, a, b, expected] of [
      [0.1, 2, 10, 0.3026431198],
      [0.5, 0.5, 0.5, 0.5],
      [0.001, 1, 1000, 0.6323045752290359],
      [0.3, 30, 70, 0.5116251045586087],
      [0.9, 3, 0.2, 0.19414127962989713],
      [0.31, 3000, 7000, 0.9850563286366903],
      [0.5001, 100_000, 100_000, 0.535634918647979],
      [1e-6, 0.05, 3, 0.5394027088196739],
    ] as const) {
      expectRelative(betaCdf(x, a, b), expected, 1e-10)
      expect(betaCdf(x, a, b) + betaCdf(1 - x, b, a)).toBeCloseTo(1, 11)
    }
    expect(betaCdf(-1, 2, 2)).toBe(0)
    expect(betaCdf(2, 2, 2)).toBe(1)
    expect(() => betaCdf(0.5, 0, 1)).toThrow('above 0')
  })

  it('has the quantiles of scipy', () => {
    for (const [p, a, b, expected] of [
      [0.025, 1, 1, 0.025],
      [0.975, 1, 1, 0.975],
      [0.025, 2, 10, 0.02283119829995966],
      [0.975, 2, 10, 0.4127799169883827],
      [0.025, 301, 701, 0.2724135650368101],
      [0.975, 20_001, 80_001, 0.2024908432872979],
      [0.5, 0.5, 0.5, 0.5],
      [0.025, 0.05, 3, 2.0918805609333636e-33],
    ] as const)
      expectRelative(betaQuantile(p, a, b), expected, 1e-10)
    expect(betaQuantile(0, 2, 3)).toBe(0)
    expect(betaQuantile(1, 2, 3)).toBe(1)
  })

  it('has the derivative of its distribution as density', () => {
    const step = 1e-6
    for (const x of [0.05, 0.2, 0.7]) {
      const slope = (betaCdf(x + step, 3, 9) - betaCdf(x - step, 3, 9)) / (2 * step)
      expectRelative(Math.exp(betaLogDensity(x, 3, 9)), slope, 1e-7)
    }
  })
})

describe('gamma and χ²', () => {
  it('agree with scipy in both tails', () => {
    for (const [x, a, lower, upper] of [
      [0.5, 0.5, 0.6826894921370859, 0.31731050786291115],
      [3, 2, 0.8008517265285442, 0.1991482734714558],
      [10, 2, 0.9995006007726127, 0.0004993992273873336],
      [100, 120, 0.02823039396486565, 0.9717696060351343],
      [60, 5, 1, 5.060046065842555e-21],
      [0.001, 3, 1.6654171665278094e-10, 0.9999999998334583],
    ] as const) {
      expectRelative(gammaCdf(x, a), lower, 1e-12)
      expectRelative(gammaTail(x, a), upper, 1e-12)
    }
    expect(chiSquareTail(3.841458820694124, 1)).toBeCloseTo(0.05, 12)
    expect(chiSquareTail(0, 3)).toBe(1)
  })
})

describe('normal and Student t', () => {
  it('agree with scipy', () => {
    for (const [z, expected] of [
      [-8, 6.22096057427174e-16],
      [-1.96, 0.024997895148220435],
      [0, 0.5],
      [0.5, 0.6914624612740131],
      [3, 0.9986501019683699],
    ] as const)
      expectRelative(normalCdf(z), expected, 1e-12)
    for (const [p, expected] of [
      [0.025, -1.9599639845400545],
      [0.9, 1.2815515655446004],
      [1e-10, -6.361340902404056],
      [0.3, -0.5244005127080409],
    ] as const)
      expectRelative(normalQuantile(p), expected, 1e-12)
    expect(normalQuantile(0.5)).toBeCloseTo(0, 14)
    expect(normalTwoSided(1.9599639845400545)).toBeCloseTo(0.05, 12)
    for (const [t, degrees, expected] of [
      [2, 10, 0.07338803477074037],
      [0.1, 3.5, 0.9258044196868921],
      [5, 1000, 6.767256364648635e-7],
      [12.706, 1, 0.05000080235813319],
      [1e-6, 5, 0.9999992407866204],
    ] as const)
      expectRelative(studentTwoSided(t, degrees), expected, 1e-10)
    for (const [alpha, degrees, expected] of [
      [0.05, 1, 12.706204736174705],
      [0.05, 10, 2.2281388519862753],
      [0.05, 57.3, 2.002238268231336],
      [0.01, 1e6, 2.5758342201053344],
      [0.001, 3, 12.923978636687481],
    ] as const)
      expectRelative(studentCritical(alpha, degrees), expected, 1e-10)
  })
})

describe('Gauss–Legendre', () => {
  it('integrates polynomials below degree 32 exactly, and up to each node below degree 16', () => {
    const { nodes, weights, integrals } = gaussLegendre
    for (const degree of [0, 1, 7, 30, 31]) {
      const sum = nodes.reduce((total, x, q) => total + weights[q]! * x ** degree, 0)
      expect(sum).toBeCloseTo(degree % 2 === 0 ? 2 / (degree + 1) : 0, 13)
    }
    for (const degree of [0, 3, 14]) {
      for (const q of [0, 5, 15]) {
        const sum = nodes.reduce((total, x, r) => total + integrals[q * 16 + r]! * x ** degree, 0)
        expect(sum).toBeCloseTo((nodes[q]! ** (degree + 1) - (-1) ** (degree + 1)) / (degree + 1), 12)
      }
    }
  })
})
