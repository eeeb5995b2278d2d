import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import { applyScript, pendingScripts, readLedger } from '../../src/warehouse/migrations.ts'
import { renderScripts, type Template } from '../../src/warehouse/render.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { readTemplates } from '../../src/warehouse/scripts.ts'
import { exampleConfig } from '../support/config.ts'
import { type LedgerSession, ledgerSession } from '../support/ledger-session.ts'

const templates = await readTemplates()
const config = exampleConfig()

/** What `firn migrate` does; returns the names of what was applied. */
async function migrate(session: LedgerSession, from: readonly Template[] = templates): Promise<readonly string[]> {
  const pending = pendingScripts(renderScripts(from, config), await readLedger(session, warehouseOf(config)))
  const applied: string[] = []
  for (const one of pending) {
    if (await applyScript(session, warehouseOf(config), one, 'test')) applied.push(`${one.script.name} ${one.why}`)
  }
  return applied
}

/** The templates with one of them changed. */
function changed(file: string): readonly Template[] {
  return templates.map((one) => (one.file === file ? { ...one, text: `${one.text}\n-- changed\n` } : one))
}

describe('migrating', () => {
  test('a fresh account gets every statement in order, and a second run none', async () => {
    const session = ledgerSession()
    const scripts = renderScripts(templates, config)
    assert.equal((await migrate(session)).length, scripts.length)
    assert.deepEqual(
      session.ran,
      scripts.flatMap(({ statements }) => statements),
    )
    assert.equal(session.ledger.size, scripts.length)

    session.ran.length = 0
    assert.deepEqual(await migrate(session), [])
    assert.deepEqual(session.ran, [])
  })

  test('a run that was cut short at any statement is finished by the next', async () => {
    const statements = renderScripts(templates, config).flatMap((script) => script.statements)
    for (const statement of statements) {
      const session = ledgerSession()
      session.failing.push(statement)
      await assert.rejects(migrate(session), /refused/)
      await migrate(session)
      assert.deepEqual(new Set(session.ran), new Set(statements))
      assert.deepEqual(await migrate(session), [])
    }
  })

  test('a script is written down only after its last statement', async () => {
    const session = ledgerSession()
    session.failing.push('ALTER TASK')
    await assert.rejects(migrate(session), /refused/)
    assert.equal(session.ledger.has('R__SHOP_CUSTOMERS__40_tombstones__SHOP_CUSTOMERS.sql'), true)
    assert.equal(session.ledger.has('R__SHOP_CUSTOMERS__50_merge__SHOP_CUSTOMERS.sql'), false)
  })

  test('a repeatable script that has changed is applied again, and nothing else', async () => {
    const session = ledgerSession()
    await migrate(session)
    session.ran.length = 0
    assert.deepEqual(await migrate(session, changed('60_rejects.sql')), [
      'R__SHOP_CUSTOMERS__60_rejects__SHOP_CUSTOMERS.sql changed',
      'R__SHOP_ORDERS__60_rejects__SHOP_ORDERS.sql changed',
    ])
    assert.ok(session.ran.every((statement) => statement.includes('_REJECTS')))
    assert.deepEqual(await migrate(session, changed('60_rejects.sql')), [])
  })

  test('any other script that has changed stops everything, by name', async () => {
    const session = ledgerSession()
    await migrate(session)
    session.ran.length = 0
    await assert.rejects(
      migrate(session, changed('V002__control.sql')),
      (error: Failure) => error.code === 'MIGRATION_CHANGED' && error.message.endsWith(': V002__control.sql'),
    )
    assert.deepEqual(session.ran, [])
  })

  test('what another one has applied meanwhile is not applied again', async () => {
    const session = ledgerSession()
    const pending = pendingScripts(renderScripts(templates, config), await readLedger(session, warehouseOf(config)))
    await migrate(session)
    session.ran.length = 0
    for (const one of pending) assert.equal(await applyScript(session, warehouseOf(config), one, 'late'), false)
    assert.deepEqual(session.ran, [])
  })

  test('a statement that fails because another one ran it at once is no failure, once that one has written it down', async () => {
    const session = ledgerSession()
    const scripts = renderScripts(templates, config)
    const [view] = scripts.filter(({ name }) => name.includes('__60_rejects'))
    assert.ok(view)
    await migrate(session)
    session.ledger.delete(view.name)
    const racing: LedgerSession = {
      ...session,
      execute: (sql, binds) => {
        session.ledger.set(view.name, view.checksum)
        return Promise.reject(new Failure('STATEMENT_FAILED', `${sql} ${binds?.join() ?? ''}: already exists`))
      },
    }
    assert.equal(await applyScript(racing, warehouseOf(config), { script: view, why: 'new' }, 'test'), false)
    session.ledger.set(view.name, 'another checksum')
    await assert.rejects(
      applyScript(
        { ...racing, execute: () => Promise.reject(new Failure('STATEMENT_FAILED', 'no')) },
        warehouseOf(config),
        { script: view, why: 'changed' },
        'test',
      ),
      /no/,
    )
  })

  test('a ledger that cannot be read for another reason than its absence is not taken for an empty one', async () => {
    const session = ledgerSession()
    for (const failure of [
      new Failure('STATEMENT_FAILED', 'no right', { cause: { sqlState: '42501' } }),
      new Failure('WAREHOUSE_UNREACHABLE', 'gone', { cause: { sqlState: '02000' } }),
    ]) {
      const refusing = { ...session, query: () => Promise.reject(failure) }
      await assert.rejects(readLedger(refusing, warehouseOf(config)), failure)
    }
  })
})
