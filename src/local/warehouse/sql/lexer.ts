/**
 * SQL text to tokens, as Snowflake reads it: comments in three forms, backslash escapes in strings, `$$` strings, quoted
 * names, `$1`, binds, and `@stage/path` as one token. What the tokens mean is left to the parsers.
 */
import { SqlError } from './statement.ts'
import type { Token } from './statement.ts'

const space = /[\s\u00a0]+|--[^\n]*|\/\/[^\n]*/y
const word = /[A-Za-z_][\w$]*/y
const number = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y
const positional = /\$\d+/y
const stage = /@(?:"(?:[^"]|"")*"|[^\s"(),;])*/y
const named = /:[A-Za-z_]\w*|:\d+/y
const operators = ['::', '=>', '<>', '!=', '||', '<=', '>=', ...Array.from('()[],.;+-*/%=<>:')]

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }

/** `line 1 at position 12`, as Snowflake counts: lines from 1, positions from 0. */
export function place(sql: string, index: number): string {
  const before = sql.slice(0, index).split('\n')
  return `line ${before.length} at position ${before.at(-1)?.length ?? 0}`
}

function unfinished(sql: string, start: number, what: string): SqlError {
  return new SqlError(
    '001003',
    '42000',
    `SQL compilation error:\nparse error ${place(sql, start)}: ${what} has no end.`,
  )
}

function match(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(sql)?.[0] ?? null
}

/** The text with comments and white space left out at its front: the index of the first token. */
function skipSpace(sql: string, start: number): number {
  let at = start
  for (;;) {
    const gap = match(space, sql, at)
    if (gap !== null) at += gap.length
    else if (sql.startsWith('/*', at)) {
      const end = sql.indexOf('*/', at + 2)
      if (end < 0) throw unfinished(sql, at, 'a comment')
      at = end + 2
    } else return at
  }
}

const unescape = (text: string): string =>
  text.replace(
    /''|\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([0-7]{1,3})|([^]))/g,
    (whole: string, ...found: unknown[]) => {
      const [hex, unicode, octal, single] = found as (string | undefined)[]
      if (whole === "''") return "'"
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16))
      if (unicode !== undefined) return String.fromCharCode(parseInt(unicode, 16))
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8))
      return escapes[single ?? ''] ?? single ?? ''
    },
  )

function stringEnd(sql: string, start: number): number {
  for (let at = start + 1; at < sql.length; at += 1) {
    const char = sql[at]
    if (char === '\\') at += 1
    else if (char === "'") {
      if (sql[at + 1] !== "'") return at + 1
      at += 1
    }
  }
  throw unfinished(sql, start, 'a string')
}

function quotedEnd(sql: string, start: number): number {
  for (let at = start + 1; at < sql.length; at += 1) {
    if (sql[at] !== '"') continue
    if (sql[at + 1] !== '"') return at + 1
    at += 1
  }
  throw unfinished(sql, start, 'a quoted name')
}

type Found = Pick<Token, 'kind' | 'value'> & { readonly end: number }

function quotedToken(sql: string, at: number): Found | null {
  if (sql[at] === "'") {
    const end = stringEnd(sql, at)
    return { kind: 'string', value: unescape(sql.slice(at + 1, end - 1)), end }
  }
  if (sql[at] === '"') {
    const end = quotedEnd(sql, at)
    return { kind: 'quoted', value: sql.slice(at + 1, end - 1).replaceAll('""', '"'), end }
  }
  if (sql.startsWith('$$', at)) {
    const close = sql.indexOf('$$', at + 2)
    if (close < 0) throw unfinished(sql, at, 'a $$ string')
    return { kind: 'string', value: sql.slice(at + 2, close), end: close + 2 }
  }
  return null
}

/** A colon right after an operand begins a path, any other one a bind. */
function afterOperand(previous: Token | undefined, at: number): boolean {
  if (previous?.end !== at) return false
  return previous.kind !== 'operator' || previous.text === ')' || previous.text === ']'
}

function plainToken(sql: string, at: number, previous: Token | undefined): Found | null {
  const found = (kind: Token['kind'], text: string, value = text): Found => ({ kind, value, end: at + text.length })
  const bare = match(word, sql, at)
  if (bare !== null) return found('word', bare, bare.toUpperCase())
  // `a.1` is not SQL, so a digit or a point before one always begins a number.
  const digits = match(number, sql, at)
  if (digits !== null) return found('number', digits)
  const column = match(positional, sql, at)
  if (column !== null) return found('positional', column, column.slice(1))
  const location = match(stage, sql, at)
  if (location !== null) return found('operator', location, location.slice(1))
  const bind = afterOperand(previous, at) ? null : match(named, sql, at)
  if (bind !== null) return found('bind', bind, bind.slice(1).toUpperCase())
  const operator = operators.find((text) => sql.startsWith(text, at))
  return operator === undefined ? null : found('operator', operator)
}

export function tokenize(sql: string): readonly Token[] {
  const tokens: Token[] = []
  let questions = 0
  for (let at = skipSpace(sql, 0); at < sql.length; at = skipSpace(sql, at)) {
    let found = quotedToken(sql, at)
    if (found === null && sql[at] === '?') {
      questions += 1
      found = { kind: 'bind', value: String(questions), end: at + 1 }
    }
    found ??= plainToken(sql, at, tokens.at(-1))
    if (found === null) {
      const text = `syntax error ${place(sql, at)} unexpected '${String.fromCodePoint(sql.codePointAt(at) ?? 0)}'.`
      throw new SqlError('001003', '42000', `SQL compilation error:\n${text}`)
    }
    tokens.push({ kind: found.kind, text: sql.slice(at, found.end), value: found.value, start: at, end: found.end })
    at = found.end
  }
  return tokens
}
