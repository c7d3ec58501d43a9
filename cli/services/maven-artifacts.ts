import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { installedProgram } from './install-package.ts'
import { runCommand } from './run-command.ts'

const kafkaVersion = '4.1.0'
const registryVersion = '3.3.3'
const downloadTimeoutMs = 600_000
/** The 2.x line of slf4j-simple does not bind to the slf4j that Kafka brings. */
const kafkaArtifacts = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.kafka', 'kafka-tools', kafkaVersion],
  ['org.slf4j', 'slf4j-simple', '1.7.36'],
] as const

/** The folder with Kafka's jars, downloaded with Maven on first use (54 MB) into `cacheDir`. Errors: `MILL_SERVICE_START`. */
export async function kafkaJars(cacheDir: string, log: (line: string) => void): Promise<string> {
  return await cached(cacheDir, `kafka-${kafkaVersion}`, async (folder) => {
    const maven = await installedProgram('mvn', 'maven', log)
    log(`downloading Kafka ${kafkaVersion} (once)`)
    const pom = join(folder, 'pom.xml')
    writeFileSync(pom, pomOf(kafkaArtifacts))
    await runCommand(
      maven,
      ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${join(folder, 'libs')}`],
      {
        timeoutMs: downloadTimeoutMs,
      },
    )
  })
}

/** The unpacked Apicurio registry, downloaded with Maven on first use (159 MB) into `cacheDir`. Errors: `MILL_SERVICE_START`. */
export async function registryApplication(cacheDir: string, log: (line: string) => void): Promise<string> {
  return await cached(cacheDir, `registry-${registryVersion}`, async (folder) => {
    const maven = await installedProgram('mvn', 'maven', log)
    log(`downloading the schema registry (Apicurio ${registryVersion}, once)`)
    const artifact = `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`
    await runCommand(maven, ['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`], {
      timeoutMs: downloadTimeoutMs,
      cwd: folder,
    })
    const archive = readdirSync(folder).find((name) => name.endsWith('.tar.gz'))
    if (!archive) throw new MillraceError('MILL_SERVICE_START', `Maven ended well but left no archive of ${artifact}`)
    await runCommand('tar', ['-xzf', archive], { timeoutMs: 120_000, cwd: folder })
    rmSync(join(folder, archive))
  })
}

/** Builds a folder under a temporary name and renames it when complete, so a broken or concurrent download is never used. */
async function cached(cacheDir: string, name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const target = join(cacheDir, name)
  if (existsSync(target)) return target
  mkdirSync(cacheDir, { recursive: true })
  const temporary = mkdtempSync(join(cacheDir, `${name}.part-`))
  try {
    await build(temporary)
    try {
      renameSync(temporary, target)
    } catch (error) {
      if (!existsSync(target)) throw error // Otherwise another process was faster, and its folder is as good.
    }
    return target
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

function pomOf(artifacts: readonly (readonly [string, string, string])[]): string {
  const dependencies = artifacts.map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  )
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>',
    '<groupId>millrace</groupId><artifactId>services</artifactId><version>1</version><packaging>pom</packaging>',
    `<dependencies>${dependencies.join('')}</dependencies></project>`,
  ].join('\n')
}
