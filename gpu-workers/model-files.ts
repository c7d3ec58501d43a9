import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { inferenceError } from '../schemas/inference-status.ts'
import type { ModelConfig } from './model-config.ts'
import { readModelConfig } from './read-model-config.ts'

const DEFAULT_FILE = 'model.onnx'

/** What one model's folder holds now. */
export interface ModelFiles {
  /** The versions its policy chooses, ascending. */
  readonly versions: readonly ModelVersionFiles[]
}

/** Where one version lies, and what its configuration says of it. */
export interface ModelVersionFiles {
  readonly version: number
  readonly modelPath: string
  readonly config: ModelConfig | null
  readonly fingerprint: string
}

/** Names of the model folders of a Triton-layout repository, sorted; empty if the repository does not exist. */
export async function listModels(repository: string): Promise<readonly string[]> {
  const entries = await readdir(repository, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new MillraceError('MILL_MODEL_INVALID', `the model repository ${repository} cannot be read: ${error.message}`, {
      cause: error,
    })
  })
  return entries
    .filter((entry) => entry.isDirectory() && isModelName(entry.name))
    .map((entry) => entry.name)
    .sort()
}

/**
 * Reads `<repository>/<name>/config.pbtxt` and finds `<version>/model.onnx` of the versions its policy chooses.
 * Errors: status NOT_FOUND for an unknown model; `MILL_MODEL_INVALID` for a wrong config or no version.
 */
export async function readModelFiles(repository: string, name: string): Promise<ModelFiles> {
  const folder = join(repository, name)
  if (!isModelName(name) || !(await sizeAndTime(folder)))
    throw inferenceError('NOT_FOUND', `model "${name}" is not in the repository`)
  const configPath = join(folder, 'config.pbtxt')
  const text = await readFile(configPath, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw new MillraceError('MILL_MODEL_INVALID', `${name}/config.pbtxt cannot be read: ${error.message}`, { cause: error })
  })
  const config = text === null ? null : readModelConfig(text, { file: `${name}/config.pbtxt`, name })
  const file = config?.default_model_filename || DEFAULT_FILE
  const versions: ModelVersionFiles[] = []
  const known = await listVersions(folder)
  for (const version of chooseVersions(known, config)) {
    const modelPath = join(folder, String(version), file)
    const model = await sizeAndTime(modelPath)
    if (!model) throw new MillraceError('MILL_MODEL_INVALID', `${name}/${version}/${file} is missing`)
    const weights = (await sizeAndTime(`${modelPath}.data`)) ?? ''
    const own = version === known.at(-1) ? config : withoutInputs(config)
    versions.push({ version, modelPath, config: own, fingerprint: `${model} ${weights} ${text ?? ''}` })
  }
  if (versions.length === 0)
    throw new MillraceError('MILL_MODEL_INVALID', `model "${name}" has no version to serve; add ${name}/1/${file}`)
  return { versions }
}

/** The newest version is what config.pbtxt was written for; an older one may have learned fewer columns (ADR 0015) and says itself. */
function withoutInputs(config: ModelConfig | null): ModelConfig | null {
  return config && { ...config, input: [] }
}

/** Whether a text can name a model: no path, nothing hidden. */
function isModelName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(name)
}

/** Version folders of a model, ascending. */
export async function listVersions(folder: string): Promise<readonly number[]> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory() && /^[1-9]\d{0,14}$/.test(entry.name))
  return names.map((entry) => Number(entry.name)).sort((a, b) => a - b)
}

function chooseVersions(versions: readonly number[], config: ModelConfig | null): readonly number[] {
  const policy = config?.version_policy
  if (policy?.all) return versions
  if (policy?.specific) return versions.filter((version) => policy.specific!.versions.includes(version))
  return versions.slice(-(policy?.latest?.num_versions || 1))
}

async function sizeAndTime(path: string): Promise<string | null> {
  const found = await stat(path).catch(() => null)
  return found && `${found.size}@${found.mtimeMs}`
}
