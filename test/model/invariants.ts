/**
 * What must hold in every world that can be reached. Each answers with what is broken, or null.
 */
import { landingKey, parseLandingKey } from '../../src/landing.ts'
import { epoch, place } from './place.ts'
import type { File, Scenario, World } from './world.ts'

/** A file holds every message of the range that its name says, of one log, and nothing else. */
export function contentOf(file: File, { logs }: Scenario): string | null {
  const [first] = file.rows
  // What the name says is what a resume goes by.
  const named = parseLandingKey('', landingKey('', { ...place, epoch, range: file }))?.range
  const expected: string[] = []
  for (let offset = Number(named?.first ?? 0); first && offset <= Number(named?.last ?? -1); offset++) {
    if (logs[first.log][offset] === 'm') expected.push(`${first.log}:${offset}`)
  }
  const found = file.rows.map(({ log, offset }) => `${log}:${offset}`)
  return found.join() === expected.join()
    ? null
    : `${nameOf(file)} holds ${found.join(', ')} instead of ${expected.join(', ')}`
}

/** What is claimed of all offsets below `end` is true only where each message there is on the stage, or was. */
export function uncovered(world: World, { logs }: Scenario, log: 0 | 1, end: number, claim: string): string | null {
  for (let offset = 0; offset < end; offset++) {
    const isCovered = logs[log][offset] !== 'm' || (world.covered[log] & (1 << offset)) !== 0
    if (!isCovered) return `${claim}, and message ${offset} of log ${log} was never on the stage`
  }
  return null
}

/** Every halt must be right. */
export function falseHalt(world: World, scenario: Scenario, code: string): string | null {
  const { budget } = scenario
  const happened = (name: keyof World['left']): boolean => world.left[name] < budget[name]
  const causes: Readonly<Record<string, boolean>> = {
    LOG_REPLACED: happened('recreations'),
    OFFSET_BEYOND_LOG: happened('recreations'),
    OFFSETS_SKIPPED: happened('foreignCommits'),
  }
  return causes[code] === true ? null : `${code} without a cause`
}

/** The name decides what is the same object: as the product writes it. */
export function nameOf(range: { readonly first: bigint; readonly last: bigint }): string {
  const key = landingKey('', { ...place, epoch, range: { first: range.first, last: range.last } })
  return key.slice(key.lastIndexOf('/') + 1).replace(/0*(\d+)-0*(\d+)\.parquet/, '$1-$2')
}
