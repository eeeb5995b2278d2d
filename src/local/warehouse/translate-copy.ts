/** A pipe's COPY to DuckDB. */
import type { Column } from './scope.ts'
import type { CopyInto } from './statement.ts'

export type CopyFile = {
  /** DuckDB text that may stand after FROM, such as `read_parquet('...', file_row_number = true)` */
  readonly sql: string
  /** columns of the file, spelled as in the file */
  readonly columns: readonly string[]
  /** DuckDB expressions of the METADATA$ columns */
  readonly fileName: string
  readonly fileRowNumber: string
  readonly fileLastModified: string
  readonly fileContentKey: string
  readonly startScanTime: string
}

/** One DuckDB query that gives the values of `copy.columns`, in order, each as the target column's type. */
export function translateCopySelect(copy: CopyInto, file: CopyFile, target: readonly Column[]): string {
  throw new Error(`not yet: ${String(copy)} ${String(file)} ${String(target)}`)
}
