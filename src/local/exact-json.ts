/**
 * Compares JSON texts as values without rounding: member order and spelling do not count, every digit does.
 * Numbers as Snowflake keeps them: exact up to 38 digits, doubles where longer or written with an exponent.
 */

/**
 * A text that two JSON texts share exactly when they are equal as values.
 * @throws SyntaxError where the text is not JSON
 */
export function canonicalJson(text: string): string {
  const tagged = parseExactly(text, (_key, value, context) => {
    if (typeof value === 'number') return `n${canonicalNumber(context.source)}`
    if (typeof value === 'string') return `s${value}`
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
  return JSON.stringify(tagged)
}

/** JSON.parse with the source text of each number (ECMAScript 2026; the compiler's library does not declare it yet). */
const parseExactly = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context: { readonly source: string }) => unknown,
) => unknown

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function canonicalNumber(source: string): string {
  const found = /^(-?)(\d+)(?:\.(\d+))?$/.exec(source)
  if (!found) return String(Number(source))
  const [, sign = '', whole = '', fraction = ''] = found
  const integer = whole.replace(/^0+(?=\d)/, '')
  const decimals = fraction.replace(/0+$/, '')
  if (`${integer}${decimals}`.replace(/^0+/, '').length > 38) return String(Number(source))
  const text = decimals === '' ? integer : `${integer}.${decimals}`
  return text === '0' ? text : `${sign}${text}`
}
