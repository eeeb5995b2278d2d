/**
 * Numbers as text, exact: how a VARIANT keeps one, and arithmetic that DuckDB would round or overflow.
 * Up to 38 digits stay as they were written; longer ones, and those with an exponent, become doubles, as in Snowflake.
 */
import { raisedError } from './raised-error.ts'

const digitsMax = 38
const scaleMax = 37

/** As Snowflake prints a double inside a VARIANT: `1.500000000000000e+02`; one digit more where it would not read back. */
function doubleText(value: number): string | null {
  if (!Number.isFinite(value)) return null
  const short = value.toExponential(15)
  const text = Number(short) === value ? short : value.toExponential(16)
  return text.replace(/e([+-])(\d)$/, 'e$10$2')
}

/**
 * A JSON number in its one spelling; null where it is greater than any double. Zeros behind the point, a minus before
 * zero, and a point without digits go away.
 */
export function normalNumber(text: string): string | null {
  if (/[eE]/.test(text)) return doubleText(Number(text))
  const point = text.indexOf('.')
  const sign = text.startsWith('-') ? '-' : ''
  const whole = (point < 0 ? text : text.slice(0, point)).slice(sign.length)
  const fraction = point < 0 ? '' : text.slice(point + 1).replace(/0+$/, '')
  if ((whole === '0' ? 0 : whole.length) + fraction.length > digitsMax || fraction.length > scaleMax) {
    return doubleText(Number(text))
  }
  if (fraction === '') return whole === '0' ? '0' : sign + whole
  return `${sign}${whole}.${fraction}`
}

/** A double outside a VARIANT: `150`, `1.5`, `1e+30`. */
export function plainDouble(text: string): string {
  return String(Number(text))
}

type Scaled = { readonly digits: bigint; readonly scale: number }

function scaled(text: string): Scaled {
  const [whole = '', fraction = ''] = text.split('.')
  return { digits: BigInt(whole + fraction), scale: fraction.length }
}

/** Half away from zero, as Snowflake rounds. */
function dividedAndRounded(dividend: bigint, divisor: bigint): bigint {
  const negative = dividend < 0n !== divisor < 0n
  const over = dividend < 0n ? -dividend : dividend
  const under = divisor < 0n ? -divisor : divisor
  const rounded = (2n * over + under) / (2n * under)
  return negative ? -rounded : rounded
}

function withScale(digits: bigint, scale: number): string {
  if (scale === 0) return String(digits)
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0')
  return `${digits < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`
}

/** Product or quotient of two decimals with so many digits behind the point. */
export function arithmetic(operator: string, left: string, right: string, scale: number): string {
  const a = scaled(left)
  const b = scaled(right)
  if (operator === '*') {
    const exact = a.digits * b.digits
    const excess = a.scale + b.scale - scale
    return withScale(
      excess > 0 ? dividedAndRounded(exact, 10n ** BigInt(excess)) : exact * 10n ** BigInt(-excess),
      scale,
    )
  }
  if (b.digits === 0n) throw raisedError('100051', '22012', 'Division by zero')
  const lift = scale + b.scale - a.scale
  const dividend = lift >= 0 ? a.digits * 10n ** BigInt(lift) : a.digits
  const divisor = lift >= 0 ? b.digits : b.digits * 10n ** BigInt(-lift)
  return withScale(dividedAndRounded(dividend, divisor), scale)
}
