/**
 * Where settings come from: a YAML file, references in it, and the environment, which wins. Names and meanings are in
 * config.ts, rules between settings in config-rules.ts. Everything wrong is told at once, and no value is ever shown.
 */
import { existsSync, readFileSync } from 'node:fs'
import { type Document, LineCounter, parseDocument, visit, type YAMLParseError } from 'yaml'
import { checkSchema, type Config, type SchemaIssue, type SettingPath } from './config.ts'
import { type Problem, problemsBetween } from './config-rules.ts'
import { Failure } from './failure.ts'
import { allSettings, keysBeside, nearest, pathText, type Setting, type SettingKind } from './settings.ts'

export type Env = Readonly<Record<string, string | undefined>>

export type ConfigSource = {
  /** as `--config` gives it; without it FIRN_CONFIG, then ./firn.yaml where there is one */
  readonly file?: string | undefined
  readonly env: Env
}

/** @throws Failure CONFIG_INVALID with one line per problem */
export function loadConfig({ file, env }: ConfigSource): Config {
  const problems: string[] = []
  const path = file ?? env['FIRN_CONFIG'] ?? (existsSync('firn.yaml') ? 'firn.yaml' : null)
  const raw = path === null ? {} : readYaml(path, problems)
  if (raw === null) throw invalid(problems)

  const reading: Reading = { env, problems, referenced: new Set() }
  const resolved = resolve(raw, [], reading) as Tree
  const fromEnv = applyEnv(resolved, reading)
  // Sections with something required in them: what is missing is then named key by key.
  for (const section of ['kafka', 'stage']) resolved[section] ??= {}

  const outcome = checkSchema(resolved)
  const named = (problem: Problem): string => `${nameOf(problem.path, fromEnv)}: ${problem.text}`
  if ('issues' in outcome) {
    // A reference that leads nowhere was told already; that nothing stands there then is no second problem.
    const news = outcome.issues.filter(({ path: at }) => !problems.some((line) => line.startsWith(`${pathText(at)}: `)))
    throw invalid([...problems, ...news.map((issue) => describe(issue, fromEnv)), ...sourceHint(path)])
  }
  problems.push(...problemsBetween(outcome.config).map(named))
  if (problems.length > 0) throw invalid(problems)
  const { kafka } = outcome.config
  return {
    ...outcome.config,
    kafka: { ...kafka, ssl: kafka.ssl || kafka.ca !== undefined || kafka.cert !== undefined },
  }
}

type Tree = Record<string, unknown>

/** One reading of the settings: `problems` and the variables that the file names grow while it goes on. */
type Reading = { readonly env: Env; readonly problems: string[]; readonly referenced: Set<string> }

function invalid(problems: readonly string[]): Failure {
  return new Failure('CONFIG_INVALID', `the configuration cannot be used\n  ${problems.join('\n  ')}`)
}

function sourceHint(path: string | null): string[] {
  return path === null ? ['(read from the environment alone: no --config, no FIRN_CONFIG, no ./firn.yaml)'] : []
}

/** Null where the file says nothing that could be judged further; the problems then say why. */
function readYaml(path: string, problems: string[]): Tree | null {
  const text = readText(path)
  if (text === null) {
    problems.push(`${path}: the configuration file cannot be read`)
    return null
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const told = new Set<number>()
  for (const { at, words } of yamlProblems(document)) {
    const { line, col } = lines.linePos(at)
    // What follows on the same line is mostly the parser's way back into step.
    if (told.has(line)) continue
    told.add(line)
    const hasReference = text.split('\n')[line - 1]?.includes('${') === true
    const hint = hasReference ? ' (between { and }, put "${NAME}" in quotes)' : ''
    problems.push(`${path}:${line}:${col}: ${words}${hint}`)
  }
  if (problems.length > 0) return null
  const tree: unknown = document.toJS() ?? {}
  if (isTree(tree)) return tree
  problems.push(`${path}: expected sections such as kafka, stage and tables`)
  return null
}

/** Those of the parser's messages that quote nothing, or one sign: what it could not read may be a secret. */
const quoteNothing = new Set<YAMLParseError['code']>([
  'BAD_INDENT',
  'BAD_SCALAR_START',
  'BLOCK_AS_IMPLICIT_KEY',
  'DUPLICATE_KEY',
  'MISSING_CHAR',
  'MULTILINE_IMPLICIT_KEY',
  'MULTIPLE_DOCS',
  'TAB_AS_INDENT',
])

type YamlProblem = { readonly at: number; readonly words: string }

function yamlProblems(document: Document.Parsed): readonly YamlProblem[] {
  const wordsOf = ({ code, message }: Pick<YAMLParseError, 'code' | 'message'>): string =>
    quoteNothing.has(code) ? message : 'cannot be read here; text with signs such as ! | > * & in it stands in quotes'
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    at: error.pos[0],
    words: wordsOf(error),
  }))
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document)) return
      problems.push({ at: alias.range?.[0] ?? 0, words: 'text that begins with * stands in quotes' })
    },
  })
  return problems
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}

/** Follows references in every text of the file. A key without a value counts as not written. */
function resolve(value: unknown, path: SettingPath, reading: Reading): unknown {
  if (typeof value === 'string') return resolveText(value, path, reading)
  if (Array.isArray(value)) return value.map((entry, at) => resolve(entry, [...path, at], reading))
  if (!isTree(value)) return value
  const tree: Tree = {}
  for (const [key, below] of Object.entries(value)) {
    if (below === null) continue
    const resolved = resolve(below, [...path, key], reading)
    Object.defineProperty(tree, key, { value: resolved, enumerable: true, writable: true, configurable: true })
  }
  return tree
}

/** `${NAME}` is the variable's value, `$${` a literal `${`, and `file:/path` the file's text without its last line break. */
function resolveText(text: string, path: SettingPath, reading: Reading): unknown {
  const { env, problems, referenced } = reading
  const names: string[] = []
  const filled = text.replace(/\$\$\{|\$\{([^}]*)\}?/g, (written, name?: string) => {
    if (name === undefined) return '${'
    names.push(name)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || !written.endsWith('}')) {
      problems.push(`${pathText(path)}: a reference is written \${NAME}, and the characters \${ are written $\${`)
      return ''
    }
    referenced.add(name)
    const value = env[name]
    if (value === undefined) problems.push(`${pathText(path)}: the environment variable ${name} is not set`)
    return value ?? ''
  })
  if (text.startsWith('file:')) return readReferenced(filled, pathText(path), problems)
  return names.length > 0 ? convert(filled, kindAt(path)) : filled
}

function readReferenced(reference: string, name: string, problems: string[]): string {
  const file = reference.slice('file:'.length)
  const text = file.startsWith('/') ? readText(file) : null
  if (text !== null) return text.replace(/\r?\n$/, '')
  problems.push(
    file.startsWith('/')
      ? `${name}: the file ${file} cannot be read`
      : `${name}: a file reference needs the whole path, as in file:/run/secrets/name`,
  )
  return ''
}

/** Sets what the environment gives; returns the variable of each setting that came from there. */
function applyEnv(tree: Tree, { env, problems, referenced }: Reading): ReadonlyMap<string, string> {
  const settings = new Map(allSettings().flatMap((setting) => (setting.env === null ? [] : [[setting.env, setting]])))
  const used = new Map<string, string>()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('FIRN_') || isForeign(name)) continue
    const setting = settings.get(name)
    if (!setting && referenced.has(name)) continue
    if (!setting) {
      const guess = nearest(name, [...settings.keys()])
      problems.push(`${name}: no setting has this variable${guess === null ? '' : `; did you mean ${guess}?`}`)
    } else if (text !== undefined && text !== '') {
      used.set(setting.name, name)
      put(tree, setting.path, fromVariable(setting, text, name, problems))
    }
  }
  return used
}

/** Variables that are no settings; among them those that Kubernetes sets for every service whose name begins with firn. */
function isForeign(name: string): boolean {
  return (
    name === 'FIRN_CONFIG' ||
    /^FIRN_(LOCAL|TEST|CONTRACT)_/.test(name) ||
    /^FIRN_(.*_)?(SERVICE_(HOST|PORT)(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_.*)?)?)$/.test(name)
  )
}

function fromVariable(setting: Setting, text: string, name: string, problems: string[]): unknown {
  if (setting.kind !== 'entries') {
    return text.startsWith('file:') ? readReferenced(text, name, problems) : convert(text, setting.kind)
  }
  const document = parseDocument(text, { prettyErrors: false })
  const [problem] = yamlProblems(document)
  if (problem) problems.push(`${name}: ${problem.words}`)
  return problem ? [] : (document.toJS() as unknown)
}

/** Text as a value of the setting's kind; what does not read as one stays text, and the schema names it. */
function convert(text: string, kind: SettingKind | null): unknown {
  if (kind === 'number' && /^-?\d+$/.test(text)) return Number(text)
  if (kind === 'boolean' && /^(true|false)$/.test(text)) return text === 'true'
  if (kind === 'list') return text.split(',').map((entry) => entry.trim())
  return text
}

function kindAt(path: SettingPath): SettingKind | null {
  const name = path.reduce<string>((above, part) => {
    if (typeof part === 'number') return `${above}[]`
    return above === '' ? part : `${above}.${part}`
  }, '')
  return allSettings().find((setting) => setting.name === name)?.kind ?? null
}

function put(tree: Tree, path: SettingPath, value: unknown): void {
  const [key = '', ...below] = path.map(String)
  if (below.length === 0) {
    tree[key] = value
    return
  }
  const inner = tree[key]
  const next: Tree = isTree(inner) ? inner : {}
  tree[key] = next
  put(next, below, value)
}

function nameOf(path: SettingPath, fromEnv: ReadonlyMap<string, string>): string {
  const name = pathText(path)
  const variable = fromEnv.get(name) ?? fromEnv.get(pathText(path.slice(0, -1))) ?? fromEnv.get(String(path[0]))
  return variable === undefined ? name : `${name} (${variable})`
}

function describe(issue: SchemaIssue, fromEnv: ReadonlyMap<string, string>): string {
  const name = nameOf(issue.path, fromEnv)
  if (issue.kind === 'unknown') {
    const key = String(issue.path.at(-1))
    const beside = keysBeside(issue.path)
    if (beside.includes(key))
      return `${name}: does not go with the other settings of ${pathText(issue.path.slice(0, -1))}`
    const guess = nearest(key, beside)
    return `${name}: unknown key${guess === null ? '' : `; did you mean ${guess}?`}`
  }
  if (issue.kind === 'wrong') return `${name}: ${issue.text}`
  const plainName = pathText(issue.path).replace(/\[\d+\]/g, '[]')
  const setting = allSettings().find((one) => one.name === plainName)
  const variable = setting?.env ? `; in the environment ${setting.env}` : ''
  return `${name}: missing${setting?.meaning ? ` (${setting.meaning}${variable})` : ''}`
}
