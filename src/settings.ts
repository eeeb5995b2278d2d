/**
 * The settings as a list, taken from the schema: where each stands in the file, its environment variable, its default
 * and its meaning. For reading the environment, for help, and for naming the nearest key to a misspelt one.
 */
import { type SchemaNode, schemaTree, type SettingPath } from './config.ts'

export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'entries' | 'choice'

export type Setting = {
  readonly path: SettingPath
  /** as people write it: `kafka.sasl.password`, `tables[].key` */
  readonly name: string
  /** null for what stands inside a list: the list has one */
  readonly env: string | null
  readonly kind: SettingKind
  /** `required`, or `required in warehouse` where that section may be left out; null where it may be left out */
  readonly required: string | null
  /** as it would be written; null where there is none */
  readonly default: string | null
  readonly meaning: string
  /** never told anywhere */
  readonly secret: boolean
}

/** Every setting, in the order of the schema. */
export function allSettings(): readonly Setting[] {
  return settingsUnder(schemaTree(), [], { inEnv: true, required: 'required' })
}

type Place = { readonly inEnv: boolean; readonly required: string }

function settingsUnder(node: SchemaNode, path: readonly string[], place: Place): Setting[] {
  return Object.entries(node.properties ?? {}).flatMap(([key, below]) => {
    const here = [...path, key]
    const isRequired = node.required?.includes(key) === true
    if (below.properties) {
      const isOptional = !isRequired && below.default === undefined
      return settingsUnder(below, here, isOptional ? { ...place, required: `required in ${here.join('.')}` } : place)
    }
    if (below.oneOf) return settingsOfChoice(below.oneOf, here, place)
    const setting = settingAt(below, here, place, isRequired)
    const inList = { inEnv: false, required: 'required' }
    const entries = below.items?.properties ? settingsUnder(below.items, [...path, `${key}[]`], inList) : []
    const inChoice = { inEnv: false, required: `required in ${here.join('.')}` }
    const choices = (below.anyOf ?? []).flatMap((one) => settingsUnder(one, here, inChoice))
    return [setting, ...entries, ...choices]
  })
}

/** The settings of every kind of a section, each once; the first says which kind it is. */
function settingsOfChoice(kinds: readonly SchemaNode[], path: readonly string[], place: Place): Setting[] {
  const name = path.join('.')
  const all = kinds.flatMap((kind) => settingsUnder(kind, path, { ...place, required: `required in ${name}` }))
  return all.filter((setting, at) => all.findIndex((other) => other.name === setting.name) === at)
}

function settingAt(node: SchemaNode, path: readonly string[], place: Place, isRequired: boolean): Setting {
  return {
    path,
    name: path.join('.'),
    env: place.inEnv ? envName(path) : null,
    kind: settingKind(node),
    required: isRequired && node.default === undefined ? place.required : null,
    default: node.default === undefined ? null : JSON.stringify(node.default).replace(/^"|"$/g, ''),
    meaning: node.description ?? '',
    secret: node.secret === true,
  }
}

function settingKind(node: SchemaNode): SettingKind {
  if (node.anyOf) return 'choice'
  if (node.type === 'array') return node.items?.properties ? 'entries' : 'list'
  if (node.type === 'integer' || node.type === 'number') return 'number'
  return node.type === 'boolean' ? 'boolean' : 'text'
}

/** `kafka.clientId` → `FIRN_KAFKA_CLIENT_ID` */
function envName(path: readonly string[]): string {
  return ['FIRN', ...path.map((part) => part.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase())].join('_')
}

/** `['tables', 0, 'key']` → `tables[0].key` */
export function pathText(path: SettingPath): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  )
}

/** The keys that may stand where the last part of a path stands. */
export function keysBeside(path: SettingPath): readonly string[] {
  let nodes: readonly SchemaNode[] = [schemaTree()]
  for (const part of path.slice(0, -1)) {
    nodes = nodes.flatMap((node) => {
      const next = typeof part === 'number' ? node.items : node.properties?.[part]
      return next ? [next, ...(next.anyOf ?? []), ...(next.oneOf ?? [])] : []
    })
  }
  return nodes.flatMap((node) => Object.keys(node.properties ?? {}))
}

/** The candidate with the fewest letters to change; null where all are far away (more than a third of the letters). */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null
  let bestEdits = Math.max(2, Math.ceil(word.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits]
  }
  return best
}

/** Levenshtein's: insertions, deletions and replacements. */
function editDistance(from: string, to: string): number {
  let above = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min((above[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced))
    }
    above = current
  }
  return above[to.length] ?? 0
}

/** The settings as an aligned table, for help and README. */
export function settingsTable(): string {
  const rows = allSettings().map((setting) => [
    setting.name,
    setting.env ?? '',
    setting.required ?? setting.default ?? '-',
    setting.meaning,
  ])
  const all = [['setting', 'environment', 'default', 'meaning'], ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  return (
    all
      .map((row) =>
        row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd(),
      )
      .join('\n') + '\n'
  )
}
