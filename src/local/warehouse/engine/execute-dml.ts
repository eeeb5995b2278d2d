/**
 * INSERT, UPDATE, DELETE, MERGE and TRUNCATE in a transaction: how many rows they touched, and which streams they took.
 */
import type { Bind, Result } from '../engine.ts'
import { forgetTable } from './loaded-files.ts'
import { counts, done } from './outcome.ts'
import { openScope } from './session-scope.ts'
import { type Standing } from './standing.ts'
import { type Dml, SqlError } from '../sql/statement.ts'
import type { Rows } from './store.ts'
import { translateDml } from '../sql/translate-dml.ts'

type Binds = Readonly<Record<string, Bind>>

/** A bind that holds a column of values runs the statement once per value. */
export async function executeDml(standing: Standing, statement: Dml, binds: Binds): Promise<Result> {
  const runs = await standing.transaction.whole(async () => {
    const done: Result[] = []
    for (const each of bindRows(binds)) done.push(await executeOnce(standing, statement, each))
    return done
  })
  const [first = done, ...others] = runs
  if (others.length === 0) return first
  const total = (column: number): string => String(runs.reduce((sum, run) => sum + Number(run.rows[0]?.[column]), 0))
  return { ...first, rows: [first.columns.map((_, column) => total(column))] }
}

function bindRows(binds: Binds): readonly Binds[] {
  const columns = Object.entries(binds)
  const lengths = columns.flatMap(([, { value }]) => (Array.isArray(value) ? [value.length] : []))
  if (lengths.length === 0) return [binds]
  if (new Set(lengths).size > 1 || lengths.length < columns.length) {
    throw new SqlError('002049', '42601', 'SQL compilation error:\nThe columns of an array bind differ in length.')
  }
  return Array.from({ length: lengths[0] ?? 0 }, (_, row) =>
    Object.fromEntries(
      columns.map(([name, { type, value }]) => [name, { type, value: (value as (string | null)[])[row] ?? null }]),
    ),
  )
}

async function executeOnce(standing: Standing, statement: Dml, binds: Binds): Promise<Result> {
  const { transaction } = standing
  await transaction.prepareToWrite()
  const scope = openScope(standing, binds)
  const { sql, check } = await translateDml(statement, scope)
  if (check !== null) {
    const { rows } = await transaction.read(check, scope.parameters)
    const [row] = rows
    if (row) {
      const values = row.map((cell) => (cell === null ? 'NULL' : JSON.stringify(cell))).join(', ')
      throw new SqlError('100090', '42P18', `Duplicate row detected during DML action\nRow Values: [${values}]`)
    }
  }
  const merge = statement.kind === 'merge'
  const outcome = await transaction.write(merge ? `${sql} RETURNING merge_action` : sql, scope.parameters)
  for (const stream of scope.streams) transaction.consume(stream)
  if (statement.kind === 'truncate') {
    await forgetTable(transaction, standing.access.existing('table', statement.target).id)
  }
  return answer(statement, outcome)
}

function answer(statement: Dml, { rows }: Rows): Result {
  const touched = Number(rows[0]?.[0] ?? 0)
  switch (statement.kind) {
    case 'insert':
      return counts('insert', [['number of rows inserted', touched]])
    case 'update':
      return counts('update', [
        ['number of rows updated', touched],
        // An UPDATE has no FROM here, so that no row can be joined twice.
        ['number of multi-joined rows updated', 0],
      ])
    case 'delete':
      return counts('delete', [['number of rows deleted', touched]])
    case 'truncate':
      return done
    case 'merge': {
      const actions = Map.groupBy(rows, ([action]) => action)
      const kinds = ['insert', 'update', 'delete'] as const
      const present = kinds.filter((kind) => statement.clauses.some(({ action }) => action.kind === kind))
      return counts(
        'merge',
        present.map((kind) => [
          `number of rows ${kind === 'insert' ? 'inserted' : `${kind}d`}`,
          actions.get(kind.toUpperCase())?.length ?? 0,
        ]),
      )
    }
  }
}
