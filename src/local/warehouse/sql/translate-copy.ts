/**
 * The query of a pipe's COPY to DuckDB: columns of a Parquet file and METADATA$ columns, cast to what they are cast to and
 * then to what the table stores. A column that the file lacks is NULL, as a missing member of `$1` is.
 */
import { Cursor } from './cursor.ts'
import { assign, cast, varchar } from './conversion.ts'
import { quoted } from './duck-text.ts'
import type { Expression } from './expression.ts'
import { parseExpression } from './parse-expression.ts'
import type { Column, Typed } from './scope.ts'
import { SqlError } from './statement.ts'
import type { CopyInto, SqlType } from './statement.ts'
import { refused } from './translate-expression.ts'

export type CopyFile = {
  /** DuckDB text that may stand after FROM, such as `read_parquet('...', file_row_number = true)` */
  readonly sql: string
  /** columns of the file, spelled as in the file */
  readonly columns: readonly string[]
  /** those of them that hold integers */
  readonly integers?: ReadonlySet<string>
  /** DuckDB expressions of the METADATA$ columns: VARCHAR, an integer, TIMESTAMP, VARCHAR, TIMESTAMP WITH TIME ZONE */
  readonly fileName: string
  readonly fileRowNumber: string
  readonly fileLastModified: string
  readonly fileContentKey: string
  readonly startScanTime: string
}

/** One DuckDB query that gives the values of `copy.columns`, in order, each as the target column's type. */
export function translateCopySelect(copy: CopyInto, file: CopyFile, target: readonly Column[]): string {
  const values = copy.expressions.map((fragment, i) => {
    const column = target.find(({ name }) => name === copy.columns[i])
    if (column === undefined) {
      throw new SqlError('000904', '42000', `SQL compilation error:\ninvalid identifier '${copy.columns[i] ?? ''}'`)
    }
    return `${assign(read(parseExpression(new Cursor(fragment.tokens)), file), column)} AS ${quoted(column.name)}`
  })
  return `SELECT ${values.join(', ')} FROM ${file.sql}`
}

const wholeNumber: SqlType = { kind: 'number', precision: 38, scale: 0 }

function metadata(name: string, file: CopyFile): Typed {
  switch (name) {
    case 'METADATA$FILENAME':
      return { sql: file.fileName, type: varchar }
    case 'METADATA$FILE_ROW_NUMBER':
      return { sql: `CAST(${file.fileRowNumber} AS DECIMAL(38, 0))`, type: wholeNumber }
    case 'METADATA$FILE_LAST_MODIFIED':
      return { sql: file.fileLastModified, type: { kind: 'timestamp_ntz', scale: 9 } }
    case 'METADATA$FILE_CONTENT_KEY':
      return { sql: file.fileContentKey, type: varchar }
    case 'METADATA$START_SCAN_TIME':
      return { sql: file.startScanTime, type: { kind: 'timestamp_ltz', scale: 9 } }
    default:
      throw refused(`the column ${name}`)
  }
}

/** Values of the file are read as text, which every cast can read, but for integers: DuckDB is slow from text to DECIMAL. */
function read(expression: Expression, file: CopyFile): Typed {
  if (expression.kind === 'cast')
    return { sql: cast(read(expression.operand, file), expression.type), type: expression.type }
  if (expression.kind === 'column') return metadata(expression.parts[0] ?? '', file)
  const [name] = expression.kind === 'path' ? expression.steps : []
  if (typeof name !== 'string') throw refused('this expression in a COPY')
  if (!file.columns.includes(name)) return { sql: 'NULL', type: null }
  if (file.integers?.has(name) === true) return { sql: `CAST(${quoted(name)} AS DECIMAL(38, 0))`, type: wholeNumber }
  return { sql: `CAST(${quoted(name)} AS VARCHAR)`, type: varchar }
}
