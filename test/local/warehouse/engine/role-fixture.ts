/**
 * Sessions in roles of their own for tests of what a role may do: the fixture's session is the administrator's.
 */
import { randomUUID } from 'node:crypto'
import type { Result } from '../../../../src/local/warehouse/engine.ts'
import type { Fixture } from './engine-fixture.ts'

export type RoleSession = {
  run(...statements: string[]): Promise<Result>
  rows(sql: string): Promise<readonly (readonly (string | null)[])[]>
  /** a column of SHOW, one value per row */
  shown(sql: string, column?: string): Promise<readonly (string | null)[]>
}

/** Makes the role where it is not there, and opens a session in DB.PUBLIC that uses it. Closed with the engine. */
export async function inRole(f: Fixture, role: string): Promise<RoleSession> {
  await f.run(`CREATE ROLE IF NOT EXISTS ${role}`, `GRANT ROLE ${role} TO USER FIRN`)
  const session = await f.open()
  const run = async (...statements: readonly string[]): Promise<Result> => {
    let answer: Result | undefined
    for (const statement of statements) answer = await session.execute(statement, {}, randomUUID())
    if (!answer) throw new Error('no statement')
    return answer
  }
  await run(`USE ROLE ${role}`)
  return {
    run,
    rows: async (sql) => (await run(sql)).rows,
    shown: async (sql, column = 'name') => {
      const { columns, rows } = await run(sql)
      const index = columns.findIndex(({ name }) => name === column)
      return rows.map((row) => row[index] ?? null)
    },
  }
}
