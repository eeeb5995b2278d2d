/**
 * The closed set of statements that the development warehouse knows, as data. Parsing fills it, the engine executes it.
 * Whatever has no place here is refused by name; nothing is ever ignored.
 */
import type { Cron } from './cron.ts'
import type { GrantStatement } from './grant-statement.ts'

/** `text` is the source; `value` is what it means: upper-cased for a bare word, unescaped for a quoted name or a string. */
export type Token = {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'operator' | 'positional' | 'bind'
  readonly text: string
  readonly value: string
  /** index in the statement's text, for error messages and for slicing definitions */
  readonly start: number
  readonly end: number
}

/** One to three parts, each as Snowflake resolves it: bare words in upper case, quoted ones as written. */
export type Name = readonly string[]

export type SqlType =
  | { readonly kind: 'number'; readonly precision: number; readonly scale: number }
  | { readonly kind: 'varchar'; readonly length: number }
  | { readonly kind: 'float' | 'boolean' | 'variant' | 'object' | 'array' | 'date' }
  | { readonly kind: 'timestamp_ntz' | 'timestamp_ltz' | 'timestamp_tz' | 'time'; readonly scale: number }

export type ColumnDefinition = {
  readonly name: string
  readonly type: SqlType
  readonly nullable: boolean
  readonly comment: string | null
  /** tokens of the expression; null where there is none */
  readonly defaultTo: readonly Token[] | null
}

/** A column of ALTER TABLE ... ADD COLUMN; with `keep` one of that name may be there already. */
export type AddedColumn = { readonly column: ColumnDefinition; readonly keep: boolean }

/** How a CREATE meets an object that is there already. */
export type Existing = 'fail' | 'keep' | 'replace'

/** A query, or an expression, not yet translated: its tokens, and where in the text it stands. */
export type Fragment = { readonly tokens: readonly Token[] }

export type ObjectKind =
  | 'database'
  | 'schema'
  | 'table'
  | 'view'
  | 'file format'
  | 'stage'
  | 'pipe'
  | 'stream'
  | 'task'
  | 'role'
  | 'integration'
  | 'warehouse'

/** Kinds that statements make and drop; warehouses are made by whoever starts the development warehouse. */
export type MadeKind = Exclude<ObjectKind, 'warehouse'>

export type CopyInto = {
  readonly table: Name
  readonly columns: readonly string[]
  /** one expression per column, over `$1:path::TYPE` and METADATA$ columns */
  readonly expressions: readonly Fragment[]
  readonly stage: Name
  /** below the stage's URL, as written after the stage's name; '' or ends as written */
  readonly path: string
  readonly fileFormat: Name
}

export type MergeClause = {
  readonly matched: boolean
  readonly condition: Fragment | null
  readonly action:
    | { readonly kind: 'delete' }
    | { readonly kind: 'update'; readonly set: readonly { readonly column: string; readonly to: Fragment }[] }
    | { readonly kind: 'insert'; readonly columns: readonly string[]; readonly values: readonly Fragment[] }
}

export type Dml =
  | {
      readonly kind: 'merge'
      readonly target: Name
      readonly targetAlias: string | null
      /** a table, view or stream, or a parenthesised query without its parentheses */
      readonly source: Name | Fragment
      readonly sourceAlias: string | null
      readonly on: Fragment
      readonly clauses: readonly MergeClause[]
    }
  | {
      readonly kind: 'insert'
      readonly target: Name
      /** null: all columns, in order */
      readonly columns: readonly string[] | null
      /** a SELECT (or WITH), or a VALUES list */
      readonly query: Fragment
    }
  | {
      readonly kind: 'update'
      readonly target: Name
      readonly set: readonly { readonly column: string; readonly to: Fragment }[]
      readonly where: Fragment | null
    }
  | { readonly kind: 'delete'; readonly target: Name; readonly where: Fragment | null }
  | { readonly kind: 'truncate'; readonly target: Name }

/** A scripting block: `BEGIN statements [EXCEPTION WHEN OTHER THEN handler] END`. RAISE stands only in a handler. */
export type Block = {
  readonly kind: 'block'
  readonly statements: readonly Statement[]
  /** null: no EXCEPTION section */
  readonly handler: readonly (Statement | { readonly kind: 'raise' })[] | null
}

export type Statement =
  | { readonly kind: 'select'; readonly query: Fragment }
  | Dml
  | {
      readonly kind: 'copy'
      readonly copy: CopyInto
      /** below the path; null: all that is there */
      readonly files: readonly string[] | null
      /** a bad file is left out; else it fails the statement */
      readonly skipFile: boolean
      /** also what was loaded before */
      readonly force: boolean
    }
  | Block
  | { readonly kind: 'execute immediate'; readonly block: Block }
  | { readonly kind: 'begin' | 'commit' | 'rollback' }
  | {
      readonly kind: 'create database'
      readonly name: Name
      readonly existing: Existing
      readonly comment: string | null
    }
  | {
      readonly kind: 'create schema'
      readonly name: Name
      readonly existing: Existing
      readonly comment: string | null
    }
  | {
      readonly kind: 'create table'
      readonly name: Name
      readonly existing: Existing
      readonly columns: readonly ColumnDefinition[]
      readonly comment: string | null
    }
  | {
      readonly kind: 'create view'
      readonly name: Name
      readonly existing: Existing
      readonly query: Fragment
      readonly comment: string | null
      /** the whole statement, for SHOW VIEWS */
      readonly text: string
    }
  | {
      readonly kind: 'create file format'
      readonly name: Name
      readonly existing: Existing
      /** upper-case option names; TYPE is always PARQUET */
      readonly options: Readonly<Record<string, string>>
      readonly comment: string | null
    }
  | {
      readonly kind: 'create stage'
      readonly name: Name
      readonly existing: Existing
      readonly url: string
      readonly storageIntegration: string
      readonly fileFormat: Name | null
      readonly comment: string | null
    }
  | {
      readonly kind: 'create pipe'
      readonly name: Name
      readonly existing: Existing
      readonly autoIngest: boolean
      readonly copy: CopyInto
      /** text of the COPY, for SHOW PIPES */
      readonly definition: string
      readonly comment: string | null
    }
  | {
      readonly kind: 'create stream'
      readonly name: Name
      readonly existing: Existing
      readonly table: Name
      readonly showInitialRows: boolean
      readonly comment: string | null
    }
  | {
      readonly kind: 'create task'
      readonly name: Name
      readonly existing: Existing
      readonly warehouse: string | null
      readonly managedSize: string | null
      /** as written, such as `5 MINUTES`; for serverless tasks */
      readonly targetCompletion: string | null
      /** as written, such as `10 SECONDS`; null: the task is triggered by its stream, or run by hand alone */
      readonly schedule: string | null
      /** null where the schedule is a cron expression, or there is none */
      readonly everySeconds: number | null
      readonly cron: Cron | null
      /** a triggered task runs no more often */
      readonly triggerSeconds: number
      /** 0: never */
      readonly suspendAfterFailures: number
      /** the stream of WHEN SYSTEM$STREAM_HAS_DATA('...'); null where there is no WHEN */
      readonly whenStream: Name | null
      /** text of WHEN's expression, for SHOW TASKS */
      readonly condition: string | null
      readonly body: Statement
      /** text of the body, for SHOW TASKS */
      readonly definition: string
      readonly comment: string | null
    }
  | { readonly kind: 'create role'; readonly name: Name; readonly existing: Existing; readonly comment: string | null }
  | {
      readonly kind: 'create integration'
      readonly name: Name
      readonly existing: Existing
      readonly roleArn: string
      /** `s3://bucket/path/`, or `*` for any */
      readonly allowedLocations: readonly string[]
      readonly comment: string | null
    }
  | GrantStatement
  | {
      readonly kind: 'alter table add'
      readonly name: Name
      readonly ifExists: boolean
      readonly columns: readonly AddedColumn[]
    }
  | {
      readonly kind: 'alter task'
      readonly name: Name
      readonly ifExists: boolean
      readonly action: 'resume' | 'suspend'
    }
  | { readonly kind: 'execute task'; readonly name: Name }
  | {
      readonly kind: 'alter pipe refresh'
      readonly name: Name
      readonly ifExists: boolean
      readonly prefix: string | null
      readonly modifiedAfterMs: number | null
    }
  | { readonly kind: 'alter pipe set'; readonly name: Name; readonly ifExists: boolean; readonly paused: boolean }
  | { readonly kind: 'alter session'; readonly parameters: Readonly<Record<string, string | number | boolean>> }
  /** all that the development warehouse has: a session acts in its one role */
  | { readonly kind: 'use secondary roles'; readonly roles: 'none' }
  | { readonly kind: 'use'; readonly what: 'database' | 'schema' | 'role' | 'warehouse'; readonly name: Name }
  | {
      readonly kind: 'comment'
      readonly what: MadeKind
      readonly name: Name
      readonly ifExists: boolean
      readonly comment: string
    }
  | { readonly kind: 'drop'; readonly what: MadeKind; readonly name: Name; readonly ifExists: boolean }
  | {
      readonly kind: 'show'
      readonly what: MadeKind
      readonly like: string | null
      /** null: the current scope */
      readonly within: 'account' | { readonly what: 'database' | 'schema'; readonly name: Name } | null
    }
  | {
      readonly kind: 'describe'
      readonly what: Exclude<MadeKind, 'database' | 'schema' | 'role'>
      readonly name: Name
    }

/**
 * A refusal, as the driver's protocol carries it. Codes as Snowflake documents them: 001003 (42000) syntax or a clause
 * outside the set, 002003 (02000) no such object, 002043 (02000), 002002 (42710) exists already, 000904 (42000) invalid
 * identifier, 002140 (42601) unknown function, 100090 (42P18) a MERGE source that matches a row twice, 003001 (42501) some
 * privilege on an object but not the one that it takes.
 */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly code: string
  readonly sqlState: string

  constructor(code: string, sqlState: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
    this.sqlState = sqlState
  }
}
