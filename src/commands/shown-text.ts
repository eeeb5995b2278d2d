/**
 * What came from outside as text for a terminal: it must not steer it, nor fill it.
 */

/** Control characters as escapes, but for line ends and tabs. */
export function printable(text: string): string {
  const escape = (found: string) => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`
  return text.replace(/[^\P{Cc}\n\t]/gu, escape)
}

/** The beginning of a longer text, and how much is missing; `rest` says where that is. */
export function cut(text: string, charactersMax: number, rest: string): string {
  if (text.length <= charactersMax) return text
  // Not between the halves of a character.
  const head = text.slice(0, charactersMax).replace(/[\uD800-\uDBFF]$/, '')
  return `${head}\n  ... ${text.length - head.length} characters more; ${rest}`
}
