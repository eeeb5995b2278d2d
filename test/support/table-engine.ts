/**
 * A second engine behind the protocol server: it answers from a table of SQL texts and counts what ran, so that the
 * protocol is tested without a SQL engine.
 */
import type { Bind, Engine, EngineSession, Result, SessionState } from '../../src/local/warehouse/engine.ts'
import { SqlError } from '../../src/local/warehouse/sql/statement.ts'

export type Answerer = (binds: Readonly<Record<string, Bind>>, state: SessionState) => Result | Promise<Result>

export type TableEngine = Engine & {
  /** what ran, in order */
  readonly ran: string[]
  /** sessions that are open now */
  readonly open: Set<EngineSession>
}

/** Statements that are not in the table are refused as unknown objects. */
export function tableEngine(table: Readonly<Record<string, Answerer>>): TableEngine {
  const ran: string[] = []
  const open = new Set<EngineSession>()
  return {
    ran,
    open,
    openSession(user, given) {
      const role = given.role ?? 'PUBLIC'
      const state = { database: null, schema: null, warehouse: null, ...given, role, parameters: new Map() }
      const session: EngineSession = {
        user,
        state,
        async execute(sql, binds) {
          ran.push(sql)
          const answerer = table[sql]
          if (!answerer) throw new SqlError('002003', '02000', `Object '${sql}' does not exist or not authorized.`)
          return await answerer(binds, state)
        },
        split: (sql) => sql.split(';').flatMap((part) => (part.trim() === '' ? [] : [part.trim()])),
        close: () => {
          open.delete(session)
          return Promise.resolve()
        },
      }
      open.add(session)
      return Promise.resolve(session)
    },
    close: () => Promise.resolve(),
  }
}

/** One text column of one row. */
export function textResult(text: string | null): Result {
  return {
    kind: 'select',
    columns: [{ name: 'T', nullable: true, type: { kind: 'varchar', length: 16_777_216 } }],
    rows: [[text]],
  }
}

export function countResult(
  kind: 'insert' | 'update' | 'delete' | 'merge',
  counts: Readonly<Record<string, number>>,
): Result {
  return {
    kind,
    columns: Object.keys(counts).map((name) => ({
      name: `number of rows ${name}`,
      nullable: false,
      type: { kind: 'number', precision: 18, scale: 0 },
    })),
    rows: [Object.values(counts).map(String)],
  }
}

/** A statement that runs until it is let go, and tells when it has begun. */
export function heldAnswer(text: string): {
  readonly answer: Answerer
  readonly begun: Promise<void>
  readonly letGo: () => void
} {
  const begun = Promise.withResolvers<undefined>()
  const released = Promise.withResolvers<undefined>()
  return {
    async answer() {
      begun.resolve(undefined)
      await released.promise
      return textResult(text)
    },
    begun: begun.promise,
    letGo: () => {
      released.resolve(undefined)
    },
  }
}
