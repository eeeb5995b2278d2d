/**
 * What the chart's schema says of `config`: derived from Firn's own schema, and looser in four things. Text may hold a reference;
 * what Helm cannot judge is left to Firn; what must be there is told by the chart itself, so that the chart can be looked at
 * without values; and that a secret is a reference is told by the chart too, because Helm prints what its schema refuses.
 */
import type { SchemaNode } from '../../src/config.ts'

type Json = Readonly<Record<string, unknown>>

/** Sections in which something is required, and which are there without it in values.yaml. */
const toldByChart = new Set(['', 'kafka', 'stage', 'warehouse'])

export function chartConfigSchema(tree: SchemaNode): Json {
  const { properties, ...rest } = derive(tree, []) as { readonly properties: Json }
  return { ...rest, properties }
}

function derive(node: Json, path: readonly string[]): Json {
  if (node['secret'] === true) return { description: node['description'], type: 'string' }
  if (Array.isArray(node['oneOf'])) return chosen(node, path)
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
          return [[key, (value as readonly Json[]).map((one) => derive(one, path))]]
        default:
          return [[key, value]]
      }
    }),
  )
}

type Choice = Json & { readonly const?: string; readonly enum?: readonly string[]; readonly description?: string }

type Branch = Json & {
  readonly properties: Readonly<Record<string, Choice>>
  readonly required: readonly string[]
}

/**
 * Sections of which one is written, as one section: its first setting tells which of the others go with it. Of a `oneOf` Helm would
 * tell what is wrong with each.
 */
function chosen({ oneOf, ...node }: Json, path: readonly string[]): Json {
  const branches = (oneOf as readonly Json[]).map((one) => derive(one, path) as Branch)
  const merged = Object.assign({}, ...branches.map(({ properties }) => properties)) as Branch['properties']
  const [choice = ''] = Object.keys(merged)
  const choices = ({ properties }: Branch): readonly string[] => {
    const { const: only, enum: several } = properties[choice] ?? {}
    return only === undefined ? (several ?? []) : [only]
  }
  return {
    ...node,
    type: 'object',
    properties: {
      ...merged,
      [choice]: { type: 'string', description: merged[choice]?.description, enum: branches.flatMap(choices) },
    },
    required: [choice],
    additionalProperties: false,
    allOf: branches.map((branch) => ({
      if: { properties: { [choice]: { enum: choices(branch) } } },
      then: {
        required: branch.required,
        properties: mapped(branch.properties, () => ({})),
        additionalProperties: false,
      },
    })),
  }
}

/** Names of all secret settings, as in kafka.sasl.password. */
export function secretNames(node: SchemaNode, above = ''): readonly string[] {
  if (node.secret === true) return [above]
  const below = Object.entries(node.properties ?? {}).flatMap(([key, one]) =>
    secretNames(one, above === '' ? key : `${above}.${key}`),
  )
  const items = node.items ? secretNames(node.items, `${above}[]`) : []
  return [
    ...below,
    ...items,
    ...[...(node.oneOf ?? []), ...(node.anyOf ?? [])].flatMap((one) => secretNames(one, above)),
  ]
}

/** Helm's expressions know no lookaround; the long one of times says no more than their format does. */
function patternOf(node: Json, pattern: string): [string, unknown][] {
  if (pattern.includes('(?!') || node['format'] !== undefined) return []
  return [['pattern', `\\$\\{|^file:/|${pattern}`]]
}

function mapped(of: Json, change: (below: Json, key: string) => Json): Json {
  return Object.fromEntries(Object.entries(of).map(([key, below]) => [key, change(below as Json, key)]))
}
