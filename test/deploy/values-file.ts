/**
 * values.yaml as a list: each value that has a comment above it, with its default and that comment, which is its meaning.
 */
import { parse } from 'yaml'

export type Value = { readonly name: string; readonly default: string; readonly meaning: string }

type Tree = Readonly<Record<string, unknown>>

/** @throws Error where a key has neither a meaning nor keys below it */
export function readValues(text: string): readonly Value[] {
  const tree = parse(text) as Tree
  const values: Value[] = []
  let path: readonly string[] = []
  let comment: string[] = []
  for (const line of text.split('\n')) {
    const [, said] = /^ *# (.*)$/.exec(line) ?? []
    if (said !== undefined) {
      comment.push(said)
      continue
    }
    const [, indent = '', key] = /^( *)([A-Za-z]+):/.exec(line) ?? []
    if (key !== undefined) {
      path = [...path.slice(0, indent.length / 2), key]
      const value = path.reduce<unknown>((at, name) => (at as Tree)[name], tree)
      if (comment.length > 0) values.push({ name: path.join('.'), default: shown(value), meaning: comment.join(' ') })
    }
    comment = []
  }
  return values
}

/** As in YAML's short form. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`
  if (typeof value !== 'object' || value === null) return value === '' ? "''" : String(value)
  const members = Object.entries(value).map(([key, below]) => `${key}: ${shown(below)}`)
  return members.length > 0 ? `{ ${members.join(', ')} }` : '{}'
}

/** Names of all values: those of sections that are not free in their members, to the last. */
export function namesOf(tree: unknown, isFree: (name: string) => boolean, above = ''): readonly string[] {
  if (typeof tree !== 'object' || tree === null || Array.isArray(tree) || (above !== '' && isFree(above)))
    return [above]
  return Object.entries(tree).flatMap(([key, below]) => namesOf(below, isFree, above === '' ? key : `${above}.${key}`))
}
