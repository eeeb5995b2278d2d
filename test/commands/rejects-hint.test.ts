import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { rejectHint } from '../../src/commands/rejects-hint.ts'
import { failures } from '../../src/failure.ts'

test('each code that a reject can have, of a dialect or of the merge, says what can be done', async () => {
  const merge = await readFile(new URL('../../sql/templates/50_merge.sql', import.meta.url), 'utf8')
  const ofMerge = [...merge.matchAll(/'([A-Z_]+): /g)].map(([, code = '']) => code)
  assert.deepEqual(ofMerge, ['OP_UNKNOWN', 'JSON_REFUSED', 'BELOW_FLOOR'])
  const ofDialects = Object.entries(failures).flatMap(([code, { response }]) => (response === 'reject' ? [code] : []))
  const unknown = rejectHint('NO_SUCH_CODE')
  for (const code of [...ofMerge, ...ofDialects]) assert.notEqual(rejectHint(code), unknown, code)
  assert.match(unknown, /does not know/)
})
