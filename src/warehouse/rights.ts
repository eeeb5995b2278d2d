/**
 * Names the right that a statement lacks, where Snowflake says no more than that an object is not there or not allowed.
 */
import type { WarehouseConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { identifier } from '../identifier.ts'
import { roleNames } from './names.ts'

/** 02000: it does not exist, or this role may not see it. 42501: this role may not do that. */
const lacking = new Set(['02000', '42501'])

/**
 * Does something that needs a right: `usual` is such as `SELECT ON TABLE CDC.FIRN.PIPES`. Where the refusal itself names
 * another object, it is that one's.
 *
 * @throws Failure RIGHT_MISSING with the GRANT, where Snowflake refuses; any other as it comes
 */
export async function needing<T>(warehouse: WarehouseConfig, usual: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== 'STATEMENT_FAILED' || !isLacking(error.cause)) throw error
    const right = rightIn(error.message, usual)
    const command = `GRANT ${right} TO ROLE ${roleInUse(warehouse)}`
    throw new Failure('RIGHT_MISSING', error.message, { cause: error, command })
  }
}

/** To whom a missing right is given: without a role in the configuration, to the one that needs most. */
export function roleInUse(warehouse: WarehouseConfig): string {
  return warehouse.role === undefined ? roleNames(warehouse).operator : identifier(warehouse.role)
}

function rightIn(message: string, usual: string): string {
  const [, kind = '', name = ''] =
    /(Database|Schema|Object|Table) '([^']+)' does not exist or not auth/.exec(message) ?? []
  if (kind === 'Database' || kind === 'Schema') return `USAGE ON ${kind.toUpperCase()} ${name}`
  return name !== '' && usual.startsWith('SELECT ON TABLE ') ? `SELECT ON TABLE ${name}` : usual
}

function isLacking(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null || !('sqlState' in cause)) return false
  return typeof cause.sqlState === 'string' && lacking.has(cause.sqlState)
}
