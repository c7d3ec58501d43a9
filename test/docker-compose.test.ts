import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { configSchema, loadConfig } from '../cli/config.ts'
import { defaultKinds, defaultPorts } from '../cli/services/services-up.ts'

interface ComposeService {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly healthcheck?: {
    readonly test: readonly string[]
    readonly interval: string
    readonly timeout: string
    readonly retries: number
  }
}

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const compose = parse(read('docker-compose.yml'), { merge: true }) as {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
}
const services = Object.entries(compose.services)
const ours = services.filter(([, service]) => service.build)

/** MILLRACE_… variables that the configuration reads, as cli/config.ts spells them. */
function knownVariables(): Set<string> {
  const known = new Set<string>()
  for (const [section, schema] of Object.entries(configSchema.properties) as [string, { properties?: object }][]) {
    for (const field of Object.keys(schema.properties ?? { '': null })) {
      const name = field === '' ? section : `${section}_${field}`
      known.add(`MILLRACE_${name.replace(/([A-Z])/g, '_$1').toUpperCase()}`)
    }
  }
  return known
}

it('docker-compose.yml has every part of the stack, each with an image, ports of this machine only, and a health check', () => {
  expect(Object.keys(compose.services).sort()).toEqual(
    ['engine', 'gateway', 'grafana', 'inference', 'kafka', 'prometheus', 'redis', 'registry'].sort(),
  )
  for (const [name, { image, build, ports, healthcheck }] of services) {
    expect(image ?? build, name).toBeTruthy()
    if (!build) expect(image, `${name}: an exact version`).toMatch(/:v?\d+(\.\d+)+$/)
    expect(ports?.length, name).toBeGreaterThan(0)
    for (const port of ports ?? []) expect(port, name).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
    expect(healthcheck?.test.length, name).toBeGreaterThan(1)
    expect(healthcheck?.retries, name).toBeGreaterThan(0)
    expect(
      [healthcheck?.interval, healthcheck?.timeout].every((time) => /^\d+s$/.test(time ?? '')),
      name,
    ).toBe(true)
  }
})

it('docker-compose.yml publishes no port twice, and those that the native start serves', () => {
  const published = services.flatMap(([, { ports }]) => (ports ?? []).map((port) => Number(port.split(':')[1])))
  expect(new Set(published).size).toBe(published.length)
  for (const kind of defaultKinds) {
    expect(compose.services[kind]!.ports!.map((port) => Number(port.split(':')[1]))).toContain(defaultPorts[kind])
  }
})

it('docker-compose.yml starts our programs with files, flags and variables that exist', () => {
  const known = knownVariables()
  expect(ours.map(([name]) => name)).toEqual(['inference', 'engine', 'gateway'])
  for (const [name, { build, command, environment }] of ours) {
    expect(existsSync(join(root, build!.context, build!.dockerfile)), name).toBe(true)
    for (const variable of Object.keys(environment ?? {})) expect(known, name).toContain(variable)
    const [program, script, ...args] = command!
    expect(program).toBe('node')
    expect(existsSync(join(root, script!)), `${name}: ${script}`).toBe(true)
    const config = args[args.indexOf('--config') + 1]
    if (args.includes('--config')) expect(loadConfig(join(root, config!)).stack, name).toBe('distributed')
  }
  const source = read('gpu-workers/main.ts')
  for (const flag of compose.services['inference']!.command!.filter((arg) => arg.startsWith('--')))
    expect(source).toContain(`${flag} `)
})

it('docker-compose.yml waits only for services that it has, by their health, and mounts only what exists', () => {
  for (const [name, { depends_on, volumes, environment }] of services) {
    for (const [other, { condition }] of Object.entries(depends_on ?? {})) {
      expect(compose.services, `${name} waits for ${other}`).toHaveProperty(other)
      expect(condition).toBe('service_healthy')
    }
    for (const volume of volumes ?? []) {
      const source = volume.split(':')[0]!
      if (source.startsWith('.')) expect(existsSync(join(root, source)), `${name}: ${source}`).toBe(true)
      else expect(compose.volumes, `${name}: ${source}`).toHaveProperty(source)
    }
    // Names of other containers inside our variables.
    for (const [variable, value] of Object.entries(environment ?? {})) {
      if (!variable.startsWith('MILLRACE_') || String(value).startsWith('0.0.0.0')) continue
      const host = /^(?:\w[\w+-]*:\/\/)?([\w-]+):\d+/.exec(String(value))![1]!
      expect(compose.services, `${name}: ${variable}`).toHaveProperty(host)
    }
  }
})

it('the image is built from what the repository has', () => {
  const dockerfile = read('deploy/Dockerfile')
  const copied = [...dockerfile.matchAll(/^COPY (.+) \S+$/gm)].flatMap((match) => match[1]!.split(' '))
  for (const path of copied) expect(existsSync(join(root, path)), path).toBe(true)
  const major = /^FROM node:(\d+)-/m.exec(dockerfile)![1]
  const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } }
  expect(devDependencies.node.split('.')[0]).toBe(major)
})

it('Prometheus scrapes ports that our programs serve; the dashboard and the alerts know metrics that they make', () => {
  const { scrape_configs, rule_files } = parse(read('deploy/prometheus.yml')) as {
    rule_files: readonly string[]
    scrape_configs: readonly { static_configs: readonly { targets: readonly string[] }[] }[]
  }
  const targets = scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap((each) => each.targets))
  expect(targets.sort()).toEqual(['engine:8080', 'gateway:8080', 'inference:8002'])
  const sources = ['runtime', 'gateway', 'connectors', 'cli', 'operators', 'gpu-workers']
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .map(read)
    .join('\n')
  const dashboard = read('deploy/grafana/millrace.json')
  expect(rule_files).toEqual(['alerts.yml'])
  expect(compose.services['prometheus']!.volumes).toContain('./deploy/alerts.yml:/etc/prometheus/alerts.yml:ro')
  const { groups } = parse(read('deploy/alerts.yml')) as {
    groups: readonly { rules: readonly { alert: string; expr: string; annotations: Readonly<Record<string, string>> }[] }[]
  }
  const alerts = groups.flatMap(({ rules }) => rules)
  expect(alerts.find(({ alert }) => alert === 'MillraceAnnRecallLow')?.expr).toBe(
    'min by (instance) (millrace_ann_recall) < 0.95',
  )
  for (const { alert, annotations } of alerts) expect(Object.keys(annotations), alert).toEqual(['summary', 'description'])
  const shown = [dashboard, ...alerts.map(({ expr }) => expr)].join('\n')
  const names = new Set([...shown.matchAll(/\bmillrace_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, '')))
  expect(names.size).toBeGreaterThan(5)
  for (const name of names) expect(sources, name).toContain(`'${name}'`)
  const { datasources } = parse(read('deploy/grafana/datasource.yml')) as { datasources: readonly { uid: string }[] }
  for (const [, uid] of dashboard.matchAll(/"uid": "(millrace-[^"]+)"/g)) expect(uid).toBe(datasources[0]!.uid)
})
