/**
 * A function call to DuckDB: finds the function, counts its arguments, and puts DISTINCT, order and window where DuckDB
 * has them. A function outside the set is refused by name.
 */
import { aggregates } from './aggregates.ts'
import type { Aggregate } from './aggregates.ts'
import { wrongTypes } from './conversion.ts'
import type { Environment } from './environment.ts'
import type { Call, Expression, Window } from './expression.ts'
import { datePart, datePartFunctions } from './date-functions.ts'
import { constantOf } from './function-arguments.ts'
import { scalarFunction } from './functions.ts'
import type { Typed } from './scope.ts'
import { SqlError } from './statement.ts'
import { ordering, refused, translate } from './translate-expression.ts'

const engineFunctions: ReadonlySet<string> = new Set([
  'CURRENT_DATABASE',
  'CURRENT_SCHEMA',
  'CURRENT_ROLE',
  'CURRENT_USER',
  'CURRENT_WAREHOUSE',
  'CURRENT_ACCOUNT',
  'CURRENT_VERSION',
  'CURRENT_SESSION',
  'CURRENT_REGION',
  'LAST_QUERY_ID',
])

export async function translateCall(call: Call, environment: Environment): Promise<Typed> {
  const aggregate = Object.hasOwn(aggregates, call.name) ? aggregates[call.name] : undefined
  if (aggregate !== undefined) return aggregation(call, aggregate, environment)
  if (call.star || call.distinct || call.within !== null || call.ignoreNulls || call.over !== null) {
    throw refused(`this form of the function ${call.name}`)
  }
  const withPart = Object.hasOwn(datePartFunctions, call.name) ? datePartFunctions[call.name] : undefined
  if (withPart !== undefined) {
    const [part, ...rest] = call.args
    countArguments(call, call.name === 'DATE_TRUNC' ? 2 : 3, call.name === 'DATE_TRUNC' ? 2 : 3)
    return withPart(datePart(word(part)), await all(rest, environment), call.name)
  }
  const args = await all(call.args, environment)
  if (call.name.startsWith('SYSTEM$') || engineFunctions.has(call.name)) {
    return environment.scope.systemFunction(
      call.name,
      args.map((arg) => constantOf(arg, call.name)),
    )
  }
  const scalar = scalarFunction(call.name)
  if (scalar === undefined) {
    throw new SqlError('002140', '42601', `SQL compilation error:\nUnknown function ${call.name}.`)
  }
  countArguments(call, scalar.least, scalar.most)
  return scalar.emit(args, call.name)
}

/** `DAY` and `'day'` alike. */
function word(part: Expression | undefined): string {
  if (part?.kind === 'string') return part.value
  return part?.kind === 'column' && part.parts.length === 1 ? (part.parts[0] ?? '') : ''
}

function countArguments(call: Call, least: number, most: number): void {
  if (call.args.length >= least && call.args.length <= most) return
  const expected = least === most ? String(least) : `${least} to ${most}`
  const text = `${call.args.length < least ? 'not enough' : 'too many'} arguments for function [${call.name}], expected ${expected}, got ${call.args.length}`
  const code = call.args.length < least ? '000938' : '000939'
  throw new SqlError(code, '22023', `SQL compilation error:\n${text}`)
}

async function all(expressions: readonly Expression[], environment: Environment): Promise<readonly Typed[]> {
  const values: Typed[] = []
  for (const expression of expressions) values.push(await translate(expression, environment))
  return values
}

async function orders(within: Call['within'], environment: Environment): Promise<string> {
  if (within === null) return ''
  const terms: string[] = []
  for (const order of within) terms.push(ordering(order, await translate(order.expression, environment)))
  return ` ORDER BY ${terms.join(', ')}`
}

const wholeFrame = 'ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING'

async function window(over: Window, wholePartition: boolean, environment: Environment): Promise<string> {
  const parts: string[] = []
  if (over.partitionBy.length > 0) {
    const keys = await all(over.partitionBy, environment)
    parts.push(`PARTITION BY ${keys.map((key) => key.sql).join(', ')}`)
  }
  if (over.orderBy.length > 0) parts.push((await orders(over.orderBy, environment)).trim())
  const frame = over.frame ?? (wholePartition ? wholeFrame : null)
  if (frame !== null) parts.push(frame)
  return ` OVER (${parts.join(' ')})`
}

async function aggregation(call: Call, aggregate: Aggregate, environment: Environment): Promise<Typed> {
  const { name, over } = call
  const starred = call.star && aggregate.star === true
  if (call.star && !starred) throw refused(`${name}(*)`)
  if (!starred) countArguments(call, aggregate.least, aggregate.most)
  if (over === null && !aggregate.aggregates) throw refused(`${name} without OVER`)
  if ((call.distinct || call.within !== null) && (!aggregate.aggregates || over !== null)) {
    throw refused(`this form of the function ${name}`)
  }
  if ((call.within !== null && aggregate.ordered !== true) || (call.ignoreNulls && aggregate.skipsNulls !== true)) {
    throw refused(`this form of the function ${name}`)
  }
  const args = await all(call.args, environment)
  if (call.distinct && args.some((arg) => arg.type === null))
    throw wrongTypes(
      name,
      args.map((arg) => arg.type),
    )
  const parts = {
    distinct: call.distinct ? 'DISTINCT ' : '',
    order: await orders(call.within, environment),
    nulls: call.ignoreNulls ? ' IGNORE NULLS' : '',
    over: over === null ? '' : await window(over, aggregate.wholePartition === true, environment),
  }
  return aggregate.emit(args, parts, name)
}
