/**
 * Functions that translated statements call and DuckDB does not have: on VARIANT values as normal JSON text, and on exact
 * numbers as text. Pure; the engine makes them known to DuckDB.
 */
import { arithmetic, normalNumber, plainDouble } from './number-text.ts'
import { raisedError } from './raised-error.ts'
import { arraySize, kindOf, normalise, NotJson, quote, valueAt } from './variant.ts'

/** `run` gets and gives text, null for SQL NULL; all DuckDB types are VARCHAR. An error that it throws fails the statement. */
export type VariantFunction = {
  readonly name: string
  readonly parameterCount: number
  readonly run: (...args: (string | null)[]) => string | null
}

/** A NULL among the arguments makes the result NULL. */
function strict(name: string, parameterCount: number, run: (...args: string[]) => string | null): VariantFunction {
  return {
    name,
    parameterCount,
    run: (...args) => (args.some((arg) => arg === null) ? null : run(...(args as string[]))),
  }
}

function parse(text: string, mode: string): string | null {
  try {
    return normalise(text, mode === 'd')
  } catch (error) {
    if (error instanceof NotJson) throw raisedError('100069', '22P02', `Error parsing JSON: ${error.message}`)
    throw error
  }
}

function tryParse(text: string, mode: string): string | null {
  try {
    return normalise(text, mode === 'd')
  } catch (error) {
    if (error instanceof NotJson) return null
    throw error
  }
}

/** Paths are few and come with every row. */
const paths = new Map<string, readonly (string | number)[]>()
const pathsMax = 1000

function stepsOf(path: string): readonly (string | number)[] {
  let steps = paths.get(path)
  if (steps === undefined) {
    const written = JSON.parse(path) as (string | number)[]
    steps = written.map((step) => (typeof step === 'string' ? quote(step) : step))
    if (paths.size >= pathsMax) paths.clear()
    paths.set(path, steps)
  }
  return steps
}

/** The text of a path for `firn_variant_get`. */
export function pathText(steps: readonly (string | number)[]): string {
  return JSON.stringify(steps)
}

/** As a cast to VARCHAR gives it: a string without quotes, null as NULL, anything else as its JSON. */
function text(variant: string): string | null {
  const kind = kindOf(variant)
  if (kind === 'NULL_VALUE') return null
  if (kind === 'VARCHAR') return JSON.parse(variant) as string
  return kind === 'DOUBLE' ? plainDouble(variant) : variant
}

/** As text that a cast to a number, a date or a timestamp reads. */
function scalarText(variant: string, type: string): string | null {
  const kind = kindOf(variant)
  if (kind === 'OBJECT' || kind === 'ARRAY') {
    throw raisedError('100071', '22000', `Failed to cast variant value ${variant.slice(0, 200)} to ${type}`)
  }
  if (kind === 'BOOLEAN' && type === 'FIXED') return variant === 'true' ? '1' : '0'
  return kind === 'DOUBLE' ? variant : text(variant)
}

function number(value: string): string {
  const normal = normalNumber(value.replace(/^(-?)\./, '$10.'))
  if (normal === null) throw raisedError('100069', '22P02', 'A number that is not finite has no place in a VARIANT')
  return normal
}

/** A double gets its exponent, so that it stays one. */
function double(value: string): string {
  const finite = Number(value)
  if (!Number.isFinite(finite)) return quote(value)
  return number(finite.toExponential())
}

export const variantFunctions: readonly VariantFunction[] = [
  strict('firn_parse_json', 2, parse),
  strict('firn_try_parse_json', 2, tryParse),
  strict('firn_variant_get', 2, (variant, path) => valueAt(variant, stepsOf(path))),
  strict('firn_variant_text', 1, text),
  strict('firn_variant_scalar', 2, scalarText),
  strict('firn_variant_kind', 1, kindOf),
  strict('firn_array_size', 1, (variant) => arraySize(variant)?.toString() ?? null),
  strict('firn_from_text', 1, quote),
  strict('firn_from_number', 1, number),
  strict('firn_from_double', 1, double),
  strict('firn_double_text', 1, plainDouble),
  strict('firn_arithmetic', 4, (operator, left, right, scale) => arithmetic(operator, left, right, Number(scale))),
]
