/**
 * What the chart's schema says of `config`: derived from Firn's own schema, and stricter in one thing, looser in three. A secret is
 * a reference, never a value. Text may hold a reference; what Helm cannot judge is left to Firn; and what must be there is told
 * by the chart itself, so that the chart can be looked at without values.
 */
import type { SchemaNode } from '../../src/config.ts'

type Json = Readonly<Record<string, unknown>>

const reference = '^(\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}|file:/.+)$'

/** Sections in which something is required, and which are there without it in values.yaml. */
const toldByChart = new Set(['', 'kafka', 'stage', 'warehouse'])

export function chartConfigSchema(tree: SchemaNode): Json {
  const { properties, ...rest } = derive(tree, []) as { readonly properties: Json }
  return { ...rest, properties }
}

function derive(node: Json, path: readonly string[]): Json {
  if (node['secret'] === true) {
    return { description: node['description'], type: 'string', pattern: reference }
  }
  return Object.fromEntries(
    Object.entries(node).flatMap(([key, value]): [string, unknown][] => {
      switch (key) {
        case '$schema':
        case 'default':
        case 'format':
          return []
        case 'required':
          return toldByChart.has(path.join('.')) ? [] : [[key, value]]
        case 'minItems':
          return path.join('.') === 'tables' ? [] : [[key, value]]
        case 'maximum':
          return value === Number.MAX_SAFE_INTEGER ? [] : [[key, value]]
        case 'pattern':
          return patternOf(node, String(value))
        case 'properties':
          return [[key, mapped(value as Json, (below, at) => derive(below, [...path, at]))]]
        case 'items':
          return [[key, derive(value as Json, [...path, '[]'])]]
        case 'anyOf':
        case 'oneOf':
          return [[key, (value as readonly Json[]).map((one) => derive(one, path))]]
        default:
          return [[key, value]]
      }
    }),
  )
}

/** Helm's expressions know no lookaround; the long one of times says no more than their format does. */
function patternOf(node: Json, pattern: string): [string, unknown][] {
  if (pattern.includes('(?!') || node['format'] !== undefined) return []
  return [['pattern', `\\$\\{|^file:/|${pattern}`]]
}

function mapped(of: Json, change: (below: Json, key: string) => Json): Json {
  return Object.fromEntries(Object.entries(of).map(([key, below]) => [key, change(below as Json, key)]))
}
