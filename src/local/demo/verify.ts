/**
 * The demo's verdict: every row of a final table against what the source holds.
 */
import type { Session } from '../../snowflake/session.ts'
import { canonicalJson } from '../exact-json.ts'

export type Verdict = {
  readonly equal: number
  /** ids */
  readonly missing: readonly string[]
  readonly extra: readonly string[]
  readonly different: readonly string[]
}

/** @param expected id → message of the newest change, for each row that the source holds */
export async function verify(
  session: Session,
  target: string,
  expected: ReadonlyMap<string, string>,
): Promise<Verdict> {
  const rows = await session.query(`SELECT ID, DATA FROM ${target}`)
  const found = new Map<string, string>()
  const extra: string[] = []
  for (const row of rows) {
    const id = String(row['ID'])
    if (!expected.has(id) || found.has(id)) extra.push(id)
    found.set(id, String(row['DATA']))
  }
  const missing: string[] = []
  const different: string[] = []
  for (const [id, message] of expected) {
    const data = found.get(id)
    if (data === undefined) missing.push(id)
    else if (canonicalJson(data) !== canonicalJson(message)) different.push(id)
  }
  return { equal: expected.size - missing.length - different.length, missing, extra, different }
}
