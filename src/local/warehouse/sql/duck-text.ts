/**
 * Names and constants as DuckDB text. Every name is quoted: DuckDB has other reserved words and folds case otherwise.
 */

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function constant(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
