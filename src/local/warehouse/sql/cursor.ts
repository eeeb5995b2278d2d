/**
 * A place in a list of tokens, and the questions that every parser asks there. What cannot stand there is refused in
 * Snowflake's manner, by name and position.
 */
import { place, tokenize } from './lexer.ts'
import { reserved } from './reserved-words.ts'
import { SqlError } from './statement.ts'
import { isTooDeep } from './tree-depth.ts'
import type { Fragment, Name, Token } from './statement.ts'

/** Parentheses, subqueries and blocks inside one another; Snowflake has a limit of this kind too. */
const depthMax = 500

export class Cursor {
  readonly tokens: readonly Token[]
  /** the text of the tokens; '' where it is gone, and errors then name no position */
  readonly text: string
  at = 0
  #depth = 0

  constructor(tokens: readonly Token[], text = '') {
    this.tokens = tokens
    this.text = text
  }

  static of(sql: string): Cursor {
    return new Cursor(tokenize(sql), sql)
  }

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead]
  }

  /** Refuses the token at hand, or the one given. */
  refuse(token = this.peek(), reason = 'The development warehouse does not know this here.'): SqlError {
    const end = this.tokens.at(-1)?.end ?? 0
    const where = this.text === '' ? '' : ` ${place(this.text, token?.start ?? end)}`
    const what = token === undefined ? '<EOF>' : token.text.length > 80 ? `${token.text.slice(0, 80)}...` : token.text
    return new SqlError(
      '001003',
      '42000',
      `SQL compilation error:\nsyntax error${where} unexpected '${what}'.\n${reason}`,
    )
  }

  next(): Token {
    const token = this.peek()
    if (token === undefined) throw this.refuse()
    this.at += 1
    return token
  }

  isWord(...words: readonly string[]): boolean {
    return words.every((word, ahead) => {
      const token = this.peek(ahead)
      return token?.kind === 'word' && token.value === word
    })
  }

  /** Takes these words where all of them come next. */
  accept(...words: readonly string[]): boolean {
    const found = this.isWord(...words)
    if (found) this.at += words.length
    return found
  }

  expect(...words: readonly string[]): void {
    for (const word of words) if (!this.accept(word)) throw this.refuse()
  }

  isOperator(text: string, ahead = 0): boolean {
    const token = this.peek(ahead)
    return token?.kind === 'operator' && token.text === text
  }

  acceptOperator(text: string): boolean {
    const found = this.isOperator(text)
    if (found) this.at += 1
    return found
  }

  expectOperator(text: string): void {
    if (!this.acceptOperator(text)) throw this.refuse()
  }

  /** One part of a name. A reserved word is one only in quotes. */
  identifier(): string {
    const token = this.peek()
    const isName = token?.kind === 'quoted' || (token?.kind === 'word' && !reserved.has(token.value))
    if (!isName) throw this.refuse()
    this.at += 1
    return token.value
  }

  name(partsMax = 3): Name {
    const parts = [this.identifier()]
    while (parts.length < partsMax && this.acceptOperator('.')) parts.push(this.identifier())
    return parts
  }

  string(): string {
    const token = this.peek()
    if (token?.kind !== 'string') throw this.refuse()
    this.at += 1
    return token.value
  }

  integer(): number {
    const token = this.peek()
    if (token?.kind !== 'number' || !/^\d{1,15}$/.test(token.value)) throw this.refuse()
    this.at += 1
    return Number(token.value)
  }

  boolean(): boolean {
    if (this.accept('TRUE')) return true
    this.expect('FALSE')
    return false
  }

  /** One or more of something, with commas between. */
  list<T>(one: () => T): readonly T[] {
    const items = [one()]
    while (this.acceptOperator(',')) items.push(one())
    return items
  }

  /** The same in parentheses. */
  listInParentheses<T>(one: () => T): readonly T[] {
    this.expectOperator('(')
    const items = this.list(one)
    this.expectOperator(')')
    return items
  }

  /** The tokens that `parse` takes. What it makes of them must not be too deep for those who read it later. */
  fragment(parse: () => unknown): Fragment {
    const start = this.at
    if (isTooDeep(parse())) throw this.refuse(this.tokens[start], 'Too many operators in a row, or nested too deep.')
    return { tokens: this.tokens.slice(start, this.at) }
  }

  /** The text of the tokens from one index up to another, one space for each gap. */
  textOf(from: number, to: number): string {
    const parts = this.tokens.slice(from, to)
    return parts.map((token, i) => (i > 0 && token.start > (parts[i - 1]?.end ?? 0) ? ' ' : '') + token.text).join('')
  }

  /** Runs `parse` one level deeper. */
  nested<T>(parse: () => T): T {
    if (this.#depth >= depthMax) throw this.refuse(undefined, `Nested more than ${depthMax} levels deep.`)
    this.#depth += 1
    const result = parse()
    this.#depth -= 1
    return result
  }

  /** Nothing may follow but a semicolon. */
  finish(): void {
    this.acceptOperator(';')
    if (this.peek() !== undefined) throw this.refuse()
  }
}

/** A name in a string, such as `'CDC.FIRN.STAGE'`. */
export function nameInText(text: string): Name {
  const cursor = Cursor.of(text)
  const name = cursor.name()
  cursor.finish()
  return name
}
