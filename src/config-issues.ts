/**
 * What is said of settings that the schema refuses. It names the setting and what is expected there, never the value.
 * Which settings there are is in config.ts.
 */
import type { SchemaIssue, SchemaProblem, SettingPath } from './config.ts'

type UnionProblem = Extract<SchemaProblem, { readonly code: 'invalid_union' }>

export function schemaIssues(issue: SchemaProblem, above: SettingPath): SchemaIssue[] {
  const path = [...above, ...issue.path.map((part) => (typeof part === 'symbol' ? part.toString() : part))]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ kind: 'unknown', path: [...path, key], text: 'unknown key' }))
    case 'invalid_type':
      if (issue.input === undefined) return [{ kind: 'missing', path, text: 'missing' }]
      if (!issue.message.startsWith('Invalid input')) return [{ kind: 'wrong', path, text: issue.message }]
      return [
        {
          kind: 'wrong',
          path,
          text: `expected ${kindOf(issue.expected)}, found ${found(issue.input)}${issue.expected === 'string' ? '; put it in quotes' : ''}`,
        },
      ]
    case 'invalid_value':
      if (issue.input === undefined) return [{ kind: 'missing', path, text: 'missing' }]
      return [{ kind: 'wrong', path, text: `expected one of ${issue.values.map(String).join(', ')}` }]
    case 'invalid_union': {
      if (issue.discriminator !== undefined) return [choiceIssue(issue, path)]
      // The member of the union that has the written shape says best what is wrong with it.
      const inner = issue.errors.find((errors) => errors.some(isBelow))
      if (inner) return inner.flatMap((one) => schemaIssues(one, path))
      return [{ kind: 'wrong', path, text: `${issue.message}; found ${found(issue.input)}` }]
    }
    case 'too_small':
      if (issue.origin === 'string') return [{ kind: 'wrong', path, text: 'must not be empty' }]
      if (issue.origin === 'array') return [{ kind: 'wrong', path, text: 'needs at least one entry' }]
      return [{ kind: 'wrong', path, text: `must be at least ${String(issue.minimum)}` }]
    case 'too_big':
      return [{ kind: 'wrong', path, text: `must be at most ${String(issue.maximum)}` }]
    case 'invalid_format':
    case 'invalid_key':
    case 'invalid_element':
    case 'not_multiple_of':
    case 'custom':
      return [{ kind: 'wrong', path, text: issue.message }]
  }
}

/** A section of which the setting that says its kind says none that there is. */
function choiceIssue(issue: UnionProblem, path: SettingPath): SchemaIssue {
  const { discriminator = '', input } = issue
  const isWritten = typeof input === 'object' && input !== null && Object.hasOwn(input, discriminator)
  if (!isWritten) return { kind: 'missing', path, text: 'missing' }
  return {
    kind: 'wrong',
    path,
    text: `expected one of ${('options' in issue ? (issue.options ?? []) : []).map(String).join(', ')}`,
  }
}

function isBelow(issue: SchemaProblem): boolean {
  return issue.path.length > 0 || issue.code === 'unrecognized_keys'
}

function kindOf(expected: string): string {
  const kinds: Record<string, string> = {
    string: 'text',
    int: 'a whole number',
    number: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'a section with settings',
  }
  return kinds[expected] ?? expected
}

/** The kind of what stands there, never the value: it may be a secret. */
function found(input: unknown): string {
  if (Array.isArray(input)) return 'a list'
  if (input === null) return 'nothing'
  if (typeof input === 'object') return 'a section'
  if (typeof input === 'string') return 'other text'
  return `a ${typeof input}`
}
