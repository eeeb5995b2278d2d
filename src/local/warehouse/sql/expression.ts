/**
 * Expressions and queries as data: what parsing makes of the text and translation reads. Names are not resolved here.
 */
import type { Name, SqlType } from './statement.ts'

export type Order = {
  readonly expression: Expression
  readonly descending: boolean
  /** null: as Snowflake orders them, last ascending and first descending */
  readonly nulls: 'first' | 'last' | null
}

export type Window = {
  readonly partitionBy: readonly Expression[]
  readonly orderBy: readonly Order[]
  /** `ROWS BETWEEN ... AND ...`, in words that DuckDB reads too */
  readonly frame: string | null
}

export type Call = {
  readonly kind: 'call'
  readonly name: string
  /** `COUNT(*)` */
  readonly star: boolean
  readonly distinct: boolean
  readonly args: readonly Expression[]
  /** WITHIN GROUP (ORDER BY ...) */
  readonly within: readonly Order[] | null
  readonly ignoreNulls: boolean
  readonly over: Window | null
}

export type BinaryOperator = 'OR' | 'AND' | '=' | '<>' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%' | '||'

export type Expression =
  | { readonly kind: 'string' | 'number'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'column'; readonly parts: readonly string[] }
  | { readonly kind: 'positional' | 'bind'; readonly name: string }
  | { readonly kind: 'not' | 'minus'; readonly operand: Expression }
  | {
      readonly kind: 'binary'
      readonly operator: BinaryOperator
      readonly left: Expression
      readonly right: Expression
    }
  | { readonly kind: 'is null'; readonly operand: Expression; readonly negated: boolean }
  | { readonly kind: 'is distinct'; readonly left: Expression; readonly right: Expression; readonly negated: boolean }
  | {
      readonly kind: 'between'
      readonly operand: Expression
      readonly low: Expression
      readonly high: Expression
      readonly negated: boolean
    }
  | {
      readonly kind: 'in'
      readonly operand: Expression
      readonly among: readonly Expression[] | Query
      readonly negated: boolean
    }
  | {
      readonly kind: 'like'
      readonly operand: Expression
      readonly pattern: Expression
      readonly escape: Expression | null
      readonly ignoreCase: boolean
      readonly negated: boolean
    }
  | {
      readonly kind: 'case'
      readonly operand: Expression | null
      readonly branches: readonly { readonly when: Expression; readonly then: Expression }[]
      readonly otherwise: Expression | null
    }
  | { readonly kind: 'cast'; readonly operand: Expression; readonly type: SqlType; readonly attempt: boolean }
  | { readonly kind: 'path'; readonly operand: Expression; readonly steps: readonly (string | number)[] }
  | Call
  | { readonly kind: 'exists' | 'subquery'; readonly query: Query }

export type Source = {
  readonly what:
    | { readonly kind: 'name'; readonly name: Name }
    | { readonly kind: 'query'; readonly query: Query }
    | {
        readonly kind: 'function'
        readonly name: Name
        /** null: by position */
        readonly args: readonly { readonly name: string | null; readonly value: Expression }[]
      }
  readonly alias: string | null
  /** `AS alias(a, b)` */
  readonly columns: readonly string[] | null
}

export type Join = {
  readonly kind: 'INNER' | 'LEFT' | 'RIGHT' | 'FULL' | 'CROSS'
  readonly source: Source
  readonly on: Expression | null
}

export type Item =
  | { readonly kind: 'star'; readonly qualifier: string | null }
  | { readonly kind: 'value'; readonly value: Expression; readonly alias: string | null; readonly text: string }

export type Select = {
  readonly kind: 'select'
  readonly distinct: boolean
  readonly items: readonly Item[]
  readonly from: { readonly first: Source; readonly joins: readonly Join[] } | null
  readonly where: Expression | null
  readonly groupBy: readonly Expression[] | 'all' | null
  readonly having: Expression | null
  readonly qualify: Expression | null
}

export type Body =
  | Select
  | { readonly kind: 'values'; readonly rows: readonly (readonly Expression[])[] }
  | { readonly kind: 'nested'; readonly query: Query }
  | {
      readonly kind: 'set'
      readonly operator: 'UNION ALL' | 'UNION' | 'EXCEPT' | 'INTERSECT'
      readonly left: Body
      readonly right: Body
    }

export type Query = {
  readonly with: readonly { readonly name: string; readonly columns: readonly string[] | null; readonly query: Query }[]
  readonly body: Body
  readonly orderBy: readonly Order[]
  readonly limit: Expression | null
  readonly offset: Expression | null
}
