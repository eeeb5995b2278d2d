/**
 * DuckDB's home: one database file, connections to it, values as the protocol writes them, errors as Snowflake names them.
 * Which statements run, and in which transaction, is decided elsewhere.
 */
import {
  type DuckDBConnection,
  type DuckDBMaterializedResult,
  DuckDBDateValue,
  DuckDBDecimalValue,
  DuckDBInstance,
  DuckDBScalarFunction,
  DuckDBTimestampTZValue,
  DuckDBTimestampValue,
  DuckDBTimeValue,
  type DuckDBValue,
  VARCHAR,
} from '@duckdb/node-api'
import { readRaised } from '../sql/raised-error.ts'
import { SqlError } from '../sql/statement.ts'
import type { VariantFunction } from '../sql/variant-functions.ts'

/** Text as the driver's protocol carries values, or null. */
export type Cell = string | null
export type Row = readonly Cell[]
export type Rows = { readonly names: readonly string[]; readonly rows: readonly Row[] }

export type Parameters = Readonly<Record<string, Cell>>

export interface Connection {
  /** Runs one DuckDB statement; `$name` are parameters of type VARCHAR. @throws SqlError */
  run(sql: string, parameters?: Parameters): Promise<Rows>
  close(): void
}

export interface Store {
  connect(): Promise<Connection>
  close(): void
}

/** Makes the file where there is none; one process at a time may have it open. */
export async function openStore(file: string, functions: readonly VariantFunction[]): Promise<Store> {
  const instance = await DuckDBInstance.create(file, {
    default_null_order: 'nulls_last_on_asc_first_on_desc',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const first = await instance.connect()
  await first.run("SET GLOBAL TimeZone = 'UTC'")
  for (const each of functions) first.registerScalarFunction(scalarFunction(each))
  return {
    connect: async () => openConnection(await instance.connect()),
    close: () => {
      first.closeSync()
      instance.closeSync()
    },
  }
}

function openConnection(connection: DuckDBConnection): Connection {
  return {
    run: async (sql, parameters = {}) => {
      try {
        const result = await run(connection, sql, parameters)
        const rows = await result.getRows()
        return { names: result.columnNames(), rows: rows.map((row) => row.map(cellOf)) }
      } catch (error) {
        throw sqlError(error)
      }
    },
    close: () => {
      connection.closeSync()
    },
  }
}

/** Parameters that the statement does not name are left out. */
async function run(
  connection: DuckDBConnection,
  sql: string,
  parameters: Parameters,
): Promise<DuckDBMaterializedResult> {
  if (Object.keys(parameters).length === 0) return connection.run(sql)
  const prepared = await connection.prepare(sql)
  try {
    for (let index = 1; index <= prepared.parameterCount; index += 1) {
      const value = parameters[prepared.parameterName(index)]
      if (value === undefined || value === null) prepared.bindNull(index)
      else prepared.bindVarchar(index, value)
    }
    return await prepared.run()
  } finally {
    prepared.destroySync()
  }
}

/** One of Firn's own functions in JavaScript; 1.6 microseconds a call over and above its work. */
function scalarFunction({ name, parameterCount, run }: VariantFunction): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    returnType: VARCHAR,
    parameterTypes: Array.from({ length: parameterCount }, () => VARCHAR),
    // NULLs come in as well: some of the functions answer them.
    specialHandling: true,
    mainFunction: (_info, input, output) => {
      const vectors = Array.from({ length: parameterCount }, (_, index) => input.getColumnVector(index))
      const args = new Array<string | null>(parameterCount)
      for (let row = 0; row < input.rowCount; row += 1) {
        for (let index = 0; index < parameterCount; index += 1) {
          args[index] = (vectors[index]?.getItem(row) ?? null) as string | null
        }
        output.setItem(row, run(...args))
      }
      output.flush()
    },
  })
}

function cellOf(value: DuckDBValue): Cell {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return floatText(value)
  return temporalText(value)
}

/** Snowflake writes the three special ones so. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  return String(value)
}

function temporalText(value: object): string {
  if (value instanceof DuckDBDecimalValue) return value.toString()
  if (value instanceof DuckDBDateValue) return String(value.days)
  if (value instanceof DuckDBTimestampValue || value instanceof DuckDBTimestampTZValue) return secondsText(value.micros)
  if (value instanceof DuckDBTimeValue) return secondsText(value.micros)
  throw new SqlError(
    '001003',
    '42000',
    `The development warehouse cannot return a value of type ${value.constructor.name}.`,
  )
}

/** Microseconds as seconds with nine digits, as the protocol writes times: the fraction of a time before 1970 is negative too. */
function secondsText(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const fraction = (size % 1_000_000n).toString().padStart(6, '0')
  return `${micros < 0n ? '-' : ''}${(size / 1_000_000n).toString()}.${fraction}000`
}

type Rule = {
  /** its groups go to `say`; without that, the first one is the message */
  readonly pattern: RegExp
  readonly code: string
  readonly sqlState: string
  readonly say?: (...groups: string[]) => string
}

const outOfRange = {
  code: '100046',
  sqlState: '22003',
  say: (value: string, type: string) => `Number out of representable range: type ${type}, value ${value}`,
}

/** DuckDB's errors in Snowflake's codes; the first that fits counts. */
const rules: readonly Rule[] = [
  {
    pattern: /NOT NULL constraint failed: (?:[^.]+)\.(.+)/,
    code: '100072',
    sqlState: '22000',
    say: (column) => `NULL result in a non-nullable column: ${column}`,
  },
  { pattern: /^Conversion Error: Could not convert string "([+-]?[\d.]+)" to (DECIMAL\S+)/, ...outOfRange },
  { pattern: /^Conversion Error: Could not cast value (\S+) to (DECIMAL\S+)/, ...outOfRange },
  {
    pattern: /^Conversion Error: Casting value "(\S+)" to type (DECIMAL\S+) failed: value is out of range/,
    ...outOfRange,
  },
  {
    pattern: /^Conversion Error: Could not convert string ["'](.*)["'] to (?:DECIMAL|DOUBLE)/s,
    code: '100038',
    sqlState: '22018',
    say: (value) => `Numeric value '${value}' is not recognized`,
  },
  { pattern: /^(?:Conversion|Invalid Input) Error: ([^\n]+)/, code: '100038', sqlState: '22018' },
  { pattern: /^Out of Range Error: ([^\n]+)/, code: '100046', sqlState: '22003' },
  { pattern: /^Catalog Error: (Table with name .+ does not exist)/, code: '002003', sqlState: '42S02' },
  { pattern: /^TransactionContext Error: (.*Conflict[^\n]*)/i, code: '000625', sqlState: '57014' },
  { pattern: /^(?:Binder|Catalog|Parser|Not implemented) Error: ([^\n]+)/i, code: '001003', sqlState: '42000' },
]

function sqlError(error: unknown): Error {
  if (!(error instanceof Error) || error instanceof SqlError) return error as Error
  const raised = readRaised(error.message, error)
  if (raised) return raised
  for (const { pattern, code, sqlState, say } of rules) {
    const [, ...found] = pattern.exec(error.message) ?? []
    if (found.length > 0) return new SqlError(code, sqlState, say ? say(...found) : (found[0] ?? ''), { cause: error })
  }
  return new SqlError('000603', 'XX000', `The development warehouse's store failed: ${error.message}`, { cause: error })
}
