import assert from 'node:assert/strict'
import { test } from 'node:test'
import { masked } from '../../src/warehouse/masked.ts'

test('what a message quotes of a row is taken out, what it names stays', () => {
  const cases = {
    "String 'Jane Doe, 4711' is too long and would be truncated": "String '...' is too long and would be truncated",
    "Numeric value 'it''s 5' is not recognized": "Numeric value '...' is not recognized",
    "Table 'CDC.FIRN.X' does not exist or not authorized.": "Table 'CDC.FIRN.X' does not exist or not authorized.",
    "Remote file 's3://cdc/firn/x.parquet' was not found.": "Remote file 's3://cdc/firn/x.parquet' was not found.",
    "invalid identifier 'NEWEST_TS'": "invalid identifier 'NEWEST_TS'",
    'no quotes': 'no quotes',
  }
  for (const [text, expected] of Object.entries(cases)) assert.equal(masked(text), expected)
})
