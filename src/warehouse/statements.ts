/**
 * Cuts a script into its statements. Knows quotes, comments and `$$`, and nothing else of SQL: a scripting block stands in
 * `$$`, so a semicolon outside of them always ends a statement.
 */
import { Failure } from '../failure.ts'

const pieces =
  /(?<quoted>'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"]|"")*"|\$\$[\s\S]*?\$\$)|(?<comment>--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<end>;)|(?<open>'|"|\$\$|\/\*)|[^'"$;/-]+|[\s\S]/g

/**
 * The statements in order, without their semicolons and the comments before them. `name` is for the message.
 *
 * @throws Failure SCRIPT_INVALID where a quote or comment is never closed
 */
export function splitStatements(script: string, name: string): readonly string[] {
  const statements: string[] = []
  let current = ''
  for (const { 0: piece, groups = {}, index } of script.matchAll(pieces)) {
    if (groups['open'] !== undefined) {
      const line = script.slice(0, index).split('\n').length
      throw new Failure('SCRIPT_INVALID', `${name}: ${piece} in line ${line} is never closed`)
    }
    if (groups['end'] !== undefined) {
      statements.push(current.trim())
      current = ''
    } else if (groups['comment'] === undefined || current.trim() !== '') {
      current += piece
    }
  }
  return [...statements, current.trim()].filter((statement) => statement !== '')
}
