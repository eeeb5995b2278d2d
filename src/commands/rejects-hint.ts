/**
 * The codes of rejects: of the failure table, or one that the merge gives; and what can be done about each.
 */
import { failures } from '../failure.ts'

/** The codes of sql/templates/50_merge.sql. */
const ofMerge: Readonly<Record<string, string>> = {
  OP_UNKNOWN:
    'The merge applies creates, updates, deletes and snapshot reads. Reload the rows in question from the source.',
  JSON_REFUSED:
    'Snowflake cannot parse before or after. Mend the row at the source, so that a newer change of it comes.',
  BELOW_FLOOR:
    'The change is older than the floor, and its row is not there. Where the row exists at the source, a newer change brings it back.',
}

/** Of messages that land as rejects. */
export const landedCodes: readonly string[] = Object.entries(failures).flatMap(([code, { response }]) =>
  response === 'reject' ? [code] : [],
)

/** Those of the merge too. */
export const rejectCodes: readonly string[] = [...landedCodes, ...Object.keys(ofMerge)]

export function rejectHint(code: string): string {
  if (Object.hasOwn(ofMerge, code)) return ofMerge[code] ?? ''
  if (!Object.hasOwn(failures, code)) return 'This Firn does not know the code; look at the reason.'
  return failures[code as keyof typeof failures].hint
}
