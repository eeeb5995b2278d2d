/**
 * What the driver's protocol needs of the warehouse behind it. The server knows no SQL, the engine no HTTP.
 */
import type { SqlType } from './sql/statement.ts'

export type ResultColumn = { readonly name: string; readonly type: SqlType; readonly nullable: boolean }

/** A statement's answer. Cells are as the protocol carries them (facts of the wire: all text, or null). */
export type Result = {
  readonly kind: 'select' | 'insert' | 'update' | 'delete' | 'merge' | 'ddl' | 'show'
  readonly columns: readonly ResultColumn[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** A bound value: the protocol's type name and its text, or a column of texts for an array bind. */
export type Bind = { readonly type: string; readonly value: string | null | readonly (string | null)[] }

/** Where unqualified names resolve, and what the session has set. */
export type SessionState = {
  database: string | null
  schema: string | null
  /** decides what its statements may do */
  role: string
  warehouse: string | null
  readonly parameters: Map<string, string | number | boolean>
}

/** One connection's place in the engine. Statements of one session run one after another. */
export interface EngineSession {
  readonly state: SessionState
  readonly user: string

  /**
   * Runs one statement. A DML outside BEGIN ... COMMIT is a transaction of its own.
   * @throws SqlError for everything that the SQL is to blame for
   */
  execute(sql: string, binds: Readonly<Record<string, Bind>>, queryId: string): Promise<Result>

  /** Splits a text into its statements, as MULTI_STATEMENT_COUNT needs it: not inside quotes, `$$` or a block. @throws SqlError */
  split(sql: string): readonly string[]

  /** Rolls back what is open. */
  close(): Promise<void>
}

export interface Engine {
  /** Without a role, the user's default one. @throws SqlError where the user does not have the role */
  openSession(
    user: string,
    state: Partial<Pick<SessionState, 'database' | 'schema' | 'warehouse'>> & { readonly role?: string | null },
  ): Promise<EngineSession>
  /** Stops pipes and tasks, and writes everything down. */
  close(): Promise<void>
}
