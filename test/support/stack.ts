/**
 * A development stack for tests: one for the whole run, made by node's test runner through --test-global-setup, and for a
 * test that stops parts, one of its own. Both are removed with all their data, however the run ends.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Endpoints } from '../../src/local/endpoints.ts'
import { openStack, type Stack } from '../../src/local/stack.ts'
import { lockFile } from '../../src/local/stack-lock.ts'
import { createLogger } from '../../src/telemetry.ts'

/** Endpoints as JSON: how the runner's process tells those of the test files. */
const variable = 'FIRN_TEST_STACK'

/** The stack that the whole run shares. Take topics, prefixes and databases of your own, and stop no part. */
export function testStack(): Endpoints {
  const text = process.env[variable]
  if (text === undefined || text === '') {
    throw new Error(
      'this test needs the development stack. Run "make test", or this file alone with: ' +
        'make stack-parts && node --test --test-global-setup=test/support/stack.ts <file>',
    )
  }
  return JSON.parse(text) as Endpoints
}

/** Not started yet. Whoever opens one ends it with `down({ clean: true })`; what is left over goes when the process ends. */
export function ownStack(signal?: AbortSignal): Stack {
  const dir = mkdtempSync(join(tmpdir(), 'firn-test-'))
  const stack = openStack(dir, createLogger({ level: 'silent' }), signal ? { signal } : {})
  process.on('exit', () => {
    removeNow(stack.dir)
  })
  return stack
}

let shared: Stack | undefined
let removed: Promise<void> | undefined

/** Called by the test runner before the first file. */
export async function globalSetup(): Promise<void> {
  // Someone has a stack running already and wants it used.
  if ((process.env[variable] ?? '') !== '') return
  const leaving = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // Or an interrupted run would end as if all had passed.
      process.exitCode = 1
      leaving.abort(new Error(`ended by ${signal}`))
      // The runner itself sees to the teardown after the other two.
      if (signal === 'SIGHUP') void globalTeardown().finally(() => process.exit(1))
    })
  }
  shared = ownStack(leaving.signal)
  try {
    process.env[variable] = JSON.stringify(await shared.up())
  } catch (error) {
    await globalTeardown()
    throw error
  }
}

/** Called by the test runner after the last file; after a signal, twice at once. */
export async function globalTeardown(): Promise<void> {
  removed ??= shared?.down({ clean: true })
  await removed
}

/** For an ending process, which cannot wait for promises. Finds nothing to do after an orderly end. */
function removeNow(dir: string): void {
  // The command below would wait for a lock that this very process holds, where it ends in the middle of up or down.
  rmSync(join(dir, lockFile), { force: true })
  const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
  spawnSync(process.execPath, [main, 'local', 'down', '--clean', '--dir', dir], { stdio: 'ignore' })
}
