/**
 * `firn audit --deep` on the real stack: what somebody has done to a target is found, and repaired where it can be.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { endGround } from '../ingest/run-ground.ts'
import type { AuditGround } from './audit-ground.ts'
import { cures, impatient, isClean, leaves, openWellGround } from './audit-trial.ts'

let ground: AuditGround

before(async () => {
  ground = await openWellGround()
})

after(async () => {
  await ground.down()
  await endGround()
})

describe('a deep audit', { concurrency: false }, () => {
  test('finds a row of the target that was deleted by hand, and brings it back', async () => {
    await ground.session().execute(`DELETE FROM ${ground.names.target} WHERE ID IN ('4', '5')`)
    assert.deepEqual((await ground.audit(...impatient)).codes, [], 'only a deep one looks at rows')
    const { codes, findings } = await ground.audit(...impatient, '--deep')
    assert.deepEqual([codes, findings[0]?.ids], [['TARGET_ROW_MISSING'], ['4', '5']])
    await cures(ground, '--deep')
    await isClean(ground, '--deep')
  })

  test('finds a row that was changed by hand, shows no content, and leaves it to its owner', async () => {
    await ground.session().execute(`UPDATE ${ground.names.target} SET DATA = TO_VARIANT('secret') WHERE ID = '4'`)
    const { codes, findings, stdout } = await ground.audit(...impatient, '--deep')
    assert.deepEqual([codes, findings[0]?.ids], [['TARGET_ROW_WRONG'], ['4']])
    assert.doesNotMatch(stdout, /secret/)
    const [words = ''] = await leaves(ground, ['TARGET_ROW_WRONG'], '--deep')
    assert.match(words, /the owner of the target deletes these rows, then repair again$/)
    await ground.session().execute(`DELETE FROM ${ground.names.target} WHERE ID = '4'`)
    await cures(ground, '--deep')
    await isClean(ground, '--deep')
  })

  test('finds a row that holds an older change, and one that should be deleted', async () => {
    const { target } = ground.names
    const tombstones = ground.names.tombstones.sql
    await ground.session().execute(`UPDATE ${target} SET _POSITION = '00001..0.0' WHERE ID = '1'`)
    await ground
      .session()
      .execute(
        `INSERT INTO ${target} (ID, DATA, LAST_UPDATED, _POSITION) SELECT '2', DATA, LAST_UPDATED, '00001..0.0' FROM ${target} WHERE ID = '4'`,
      )
    const found = await ground.audit(...impatient, '--deep')
    assert.deepEqual(found.codes, ['TARGET_ROW_KEPT', 'TARGET_ROW_STALE'])
    await leaves(ground, ['TARGET_ROW_KEPT'], '--deep')
    await ground.settled()
    await ground.session().execute(`DELETE FROM ${tombstones} WHERE id = '2'`)
    assert.deepEqual((await ground.audit(...impatient, '--deep')).codes, ['TARGET_ROW_KEPT'])
    await cures(ground, '--deep')
    await isClean(ground, '--deep')
    await ground.session().execute(`DELETE FROM ${tombstones} WHERE id = '2'`)
    assert.deepEqual((await ground.audit(...impatient, '--deep')).codes, ['TOMBSTONE_MISSING'])
    await cures(ground, '--deep')
    await isClean(ground, '--deep')
  })
})
