/**
 * Whether the tools that DBAs have would take the names of rendered files, and apply them in an order that loses nothing.
 * schemachange is asked itself; Flyway's rules stand here.
 */
import type { SqlFile } from './sql-file.ts'

/** For whoever administers the account: no tool's, and to be passed over by all of them. */
export const accountFile = '0_account.sql'

/** Flyway's names: V, a version of numbers, two underscores, a description; or R, two underscores, a description. */
const versioned = /^V(\d+(?:[._]\d+)*)__([^.]+)\.sql$/
const repeatable = /^R__([^.]+)\.sql$/

/** What Flyway would refuse: one line each. */
export function flywayProblems(names: readonly string[]): readonly string[] {
  const seen = new Map<string, string>()
  return names.flatMap((name) => {
    const key = flywayKey(name)
    if (key === null) return name === accountFile ? [] : [`${name} is no name that Flyway reads`]
    const other = seen.get(key)
    seen.set(key, name)
    return other === undefined ? [] : [`${name} is to Flyway what ${other} is`]
  })
}

/** What tells one migration from another: 001 and 1 are one version, and `a_b` and `a b` one description. */
function flywayKey(name: string): string | null {
  const [, version] = versioned.exec(name) ?? []
  if (version !== undefined) return `V ${version.split(/[._]/).map(Number).join('.')}`
  const [, description] = repeatable.exec(name) ?? []
  return description === undefined ? null : `R ${description.replaceAll('_', ' ')}`
}

/** Versions first, by their numbers; then the repeatable ones, by their descriptions. */
export function flywayOrder(names: readonly string[]): readonly string[] {
  const numbers = (name: string): readonly number[] => (versioned.exec(name)?.[1] ?? '').split(/[._]/).map(Number)
  const compareVersions = (a: string, b: string): number => {
    const [left, right] = [numbers(a), numbers(b)]
    const at = left.findIndex((number, index) => number !== right[index])
    return at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? 0)
  }
  const byKey = (a: string, b: string): number => ((flywayKey(a) ?? '') < (flywayKey(b) ?? '') ? -1 : 1)
  return [
    ...names.filter((name) => versioned.test(name)).sort(compareVersions),
    ...names.filter((name) => repeatable.test(name)).sort(byKey),
  ]
}

/** Where a pipe would load before a stream of its landing table is there, or before that table: one line each. */
export function orderProblems(order: readonly string[], files: readonly SqlFile[]): readonly string[] {
  const texts = new Map(files.map(({ name, text }) => [name, text]))
  const made = new Set<string>()
  const pipes = new Map<string, string>()
  const problems: string[] = []
  for (const name of order) {
    const text = texts.get(name) ?? ''
    const [, table] = /^CREATE TABLE IF NOT EXISTS (.+) \($/m.exec(text) ?? []
    if (table !== undefined) made.add(table)
    const [, streamed] = /^CREATE STREAM .* ON TABLE (.+)$/m.exec(text) ?? []
    const earlier = streamed === undefined ? undefined : pipes.get(streamed)
    if (earlier !== undefined) problems.push(`${earlier} comes before the stream of ${name}`)
    const [, loaded] = /^COPY INTO (.+) \($/m.exec(text) ?? []
    if (loaded === undefined) continue
    pipes.set(loaded, name)
    if (!made.has(loaded)) problems.push(`${name} comes before its landing table`)
  }
  return [...problems, ...(pipes.size === 0 ? ['there is no pipe among them'] : [])]
}

/** What tools that fill templates would take for their own: schemachange reads Jinja, Flyway `${...}`. */
export function templateProblems(files: readonly SqlFile[]): readonly string[] {
  return files.flatMap(({ name, text }) => {
    const [found] = /\{\{|\{%|\{#|\$\{/.exec(text) ?? []
    return found === undefined ? [] : [`${name} holds ${found}, which begins a placeholder`]
  })
}
