/**
 * What the tests of the audit share: a system that is well, one more file in it, and what an audit or a repair must say.
 */
import assert from 'node:assert/strict'
import { firn } from '../support/firn.ts'
import { until } from '../support/until.ts'
import { type AuditGround, change, openAuditGround } from './audit-ground.ts'

let lastId = 1_000

/** Of a row that no other test has. */
export const freshId = (): number => ++lastId

/** Four files, with an update, a delete and a reject among their rows, loaded and merged. */
export async function openWellGround(): Promise<AuditGround> {
  const ground = await openAuditGround()
  await ground.stageMore([1, 2, 3, 4, 5, 6].map((id) => ({ id, partition: id % 2 })))
  await ground.stageMore([
    { id: 1, partition: 1, value: change('UPDATE', 1, 2) },
    { id: 2, partition: 0, value: change('DELETE', 2) },
    { id: 3, partition: 1, value: 'not json' },
  ])
  await ground.settled()
  return ground
}

/** Nothing that these tests do takes long. */
export const impatient = ['--patience', '100ms'] as const

export async function isClean(ground: AuditGround, ...args: readonly string[]): Promise<void> {
  const { code, findings } = await ground.audit(...impatient, ...args)
  assert.deepEqual({ code, findings }, { code: 0, findings: [] })
}

/** The repair says that all is cured; whatever was loaded is then merged. */
export async function cures(ground: AuditGround, ...args: readonly string[]): Promise<readonly string[]> {
  const { code, repair } = await ground.audit(...impatient, '--repair', ...args)
  assert.equal(code, 0, JSON.stringify(repair, null, 1))
  await ground.settled()
  return repair?.statements ?? []
}

/** What a repair leaves to a person. */
export async function leaves(
  ground: AuditGround,
  codes: readonly string[],
  ...args: readonly string[]
): Promise<readonly string[]> {
  const { code, repair } = await ground.audit(...impatient, '--repair', ...args)
  assert.equal(code, 3)
  const left = repair?.treatments.filter(({ cured }) => cured === false) ?? []
  assert.deepEqual([...new Set(left.map((one) => one.code))].sort(), codes)
  return left.flatMap(({ words }) => words)
}

/** One more file, with rows of its own. */
export async function oneMore(ground: AuditGround): Promise<string> {
  const known = await ground.files()
  const ids = Array.from({ length: 5 }, () => freshId())
  await ground.stageMore(ids.map((id) => ({ id, partition: 0 })))
  const fresh = (await ground.files()).filter((file) => !known.includes(file))
  assert.equal(fresh.length, 1)
  return fresh[0] ?? ''
}

export async function isLoaded(ground: AuditGround, file: string): Promise<void> {
  const count = () => ground.one(`SELECT COUNT(*) FROM ${ground.names.landing.sql} WHERE file_name LIKE '%${file}'`)
  await until('the load', count, (rows) => rows === '5')
}

export const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_200))

/** `<topic>/e1/00000/<first>-<last>.parquet` → `first-last` without zeros. */
export function offsetsOf(file: string): string {
  const [, first = '', last = ''] = /(\d+)-(\d+)\.parquet$/.exec(file) ?? []
  return `${BigInt(first)}-${BigInt(last)}`
}

export async function giveUp(ground: AuditGround, file: string): Promise<void> {
  const { code, stderr } = await firn([
    ...['ack-gap', '--config', ground.file, '--topic', ground.topic, '--partition', '0'],
    ...['--offsets', offsetsOf(file), '--discard'],
  ])
  assert.equal(code, 0, stderr)
}
