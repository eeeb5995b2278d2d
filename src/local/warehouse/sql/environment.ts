/**
 * Where a name in an expression is looked up: the sources of FROM, the aliases of the select list, then the query around.
 */
import { quoted } from './duck-text.ts'
import type { Column, Relation, Scope, Typed } from './scope.ts'
import { SqlError } from './statement.ts'
import type { Name, SqlType } from './statement.ts'

export type NamedSource = {
  readonly alias: string
  /** the object's name where it has no alias of its own, so that `db.schema.table.column` finds it */
  readonly name: Name
  readonly columns: readonly Column[]
}

export type Environment = {
  readonly scope: Scope
  readonly ctes: ReadonlyMap<string, Relation>
  readonly sources: readonly NamedSource[]
  /** filled as the select list is translated */
  readonly aliases: Map<string, SqlType | null>
  readonly outer: Environment | null
}

export function emptyEnvironment(scope: Scope): Environment {
  return { scope, ctes: new Map(), sources: [], aliases: new Map(), outer: null }
}

/** An environment for a query inside this one. */
export function inside(outer: Environment, parts: Partial<Pick<Environment, 'ctes' | 'sources'>>): Environment {
  return { scope: outer.scope, ctes: outer.ctes, sources: [], aliases: new Map(), outer, ...parts }
}

function invalid(parts: Name): SqlError {
  return new SqlError('000904', '42000', `SQL compilation error:\ninvalid identifier '${parts.join('.')}'`)
}

function endsWith(name: Name, tail: Name): boolean {
  return tail.length <= name.length && tail.every((part, i) => name[name.length - tail.length + i] === part)
}

export function isSource(source: NamedSource, qualifier: Name): boolean {
  if (qualifier.length === 0) return true
  return (qualifier.length === 1 && source.alias === qualifier[0]) || endsWith(source.name, qualifier)
}

/** @throws SqlError 000904 where nothing has the name */
export function resolve(environment: Environment, parts: Name): Typed {
  const name = parts.at(-1) ?? ''
  const qualifier = parts.slice(0, -1)
  for (let place: Environment | null = environment; place !== null; place = place.outer) {
    const found = place.sources.flatMap((source) => {
      const column = isSource(source, qualifier) ? source.columns.find((one) => one.name === name) : undefined
      return column === undefined ? [] : [{ sql: `${quoted(source.alias)}.${quoted(name)}`, type: column.type }]
    })
    if (found.length > 1) {
      throw new SqlError('000904', '42000', `SQL compilation error:\nambiguous column name '${parts.join('.')}'`)
    }
    if (found[0] !== undefined) return found[0]
    const alias = qualifier.length === 0 ? place.aliases.get(name) : undefined
    if (alias !== undefined) return { sql: quoted(name), type: alias }
  }
  throw invalid(parts)
}
