/**
 * The pieces under the development stack that need no server: its lock, its ports, its processes, its command line.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../../src/failure.ts'
import { currentProcess, end, isRunning, launch, logEnd } from '../../src/local/part-process.ts'
import { findParts } from '../../src/local/parts.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { withLock } from '../../src/local/stack-lock.ts'
import { firn } from '../support/firn.ts'
import { until } from '../support/until.ts'

const root = mkdtempSync(join(tmpdir(), 'firn-test-'))
const folder = (): string => mkdtempSync(join(root, 'case-'))
after(() => {
  rmSync(root, { recursive: true })
})

test('the lock lets one piece of work in at a time, and leaves nothing behind', async () => {
  const dir = folder()
  let inside = 0
  let most = 0
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await sleep(5)
    inside--
  }
  await Promise.all(Array.from({ length: 5 }, () => withLock(dir, {}, work)))
  assert.equal(most, 1)
  assert.deepEqual(readdirSync(dir), [])
})

test('work that fails lets go of the lock', async () => {
  const dir = folder()
  await assert.rejects(
    withLock(dir, {}, () => Promise.reject(new Error('spilt'))),
    /spilt/,
  )
  assert.equal(await withLock(dir, {}, () => Promise.resolve('in')), 'in')
})

test('the lock of a dead process is broken, also where its pid lives on as another', async () => {
  const dir = folder()
  for (const startedAt of ['', 'long ago']) {
    writeFileSync(join(dir, 'stack.lock'), JSON.stringify({ pid: process.pid, startedAt }))
    const signal = AbortSignal.timeout(60_000)
    assert.equal(await withLock(dir, { signal }, () => Promise.resolve('in')), 'in')
  }
  assert.deepEqual(readdirSync(dir), [])
})

test('who waits for the lock is told for whom, and may give up', async () => {
  const dir = folder()
  writeFileSync(join(dir, 'stack.lock'), JSON.stringify(currentProcess()))
  const leaving = new AbortController()
  const told: number[] = []
  const waiting = (pid: number): void => {
    told.push(pid)
    leaving.abort(new Error('enough'))
  }
  await assert.rejects(
    withLock(dir, { waiting, signal: leaving.signal }, () => Promise.resolve()),
    /enough/,
  )
  assert.deepEqual(told, [process.pid])
})

test('ports lie outside the range of outgoing connections, each another one', async () => {
  const ports = await choosePorts(20)
  assert.equal(new Set(ports).size, 20)
  const first = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s/)[0])
  for (const port of ports) assert.ok(port >= 1024 && port < Math.max(first, 11_000), String(port))
})

test('a started process is known again until it ends, and its output is in the log', async () => {
  const log = join(folder(), 'part.log')
  const script = 'for i in 1 2 3 4 5; do echo line $i; done; exec sleep 600'
  const id = await launch({ program: 'sh', args: ['-c', script], env: {} }, log)
  assert.ok(isRunning(id))
  assert.ok(!isRunning({ ...id, startedAt: `${id.startedAt}0` }))
  await until(
    'its output',
    () => logEnd(log, 2),
    (text) => text === 'line 4\nline 5',
  )
  assert.equal(await end(id, 'SIGTERM', 60_000), 'ended')
  assert.ok(!isRunning(id))
})

test('a process that does not heed the signal is killed', async () => {
  const log = join(folder(), 'part.log')
  const id = await launch({ program: 'sh', args: ['-c', 'trap "" TERM; echo deaf; while :; do sleep 1; done'] }, log)
  await until(
    'the trap',
    () => logEnd(log),
    (text) => text === 'deaf',
  )
  assert.equal(await end(id, 'SIGTERM', 50), 'killed')
  assert.ok(!isRunning(id))
})

test('a part does not inherit what could change what it does', async () => {
  const log = join(folder(), 'part.log')
  process.env['JAVA_TOOL_OPTIONS'] = '-Xmx1m'
  process.env['VGW_PORT'] = ':7070'
  const id = await launch({ program: 'sh', args: ['-c', 'env; echo end'], env: { OWN: 'yes' } }, log)
  await until(
    'its output',
    () => logEnd(log, 1),
    (text) => text === 'end',
  )
  await until(
    'its end',
    () => isRunning(id),
    (running) => !running,
  )
  const text = logEnd(log, 1000)
  assert.match(text, /^OWN=yes$/m)
  assert.match(text, /^PATH=/m)
  assert.doesNotMatch(text, /JAVA_TOOL_OPTIONS|VGW_PORT/)
})

test('parts that are not installed are named', () => {
  const empty = folder()
  assert.throws(
    () => findParts(empty),
    (error) => error instanceof Failure && error.code === 'STACK_PART_MISSING' && error.message.includes('Kafka'),
  )
})

test('a wrong command line is answered with one that works', async () => {
  for (const [args, answer] of [
    [[], /takes up, down, status, start or stop; for example: firn local up/],
    [['sideways'], /takes up, down, status, start or stop/],
    [['start'], /takes one of kafka, s3, warehouse: firn local start kafka/],
    [['stop', 'mysql'], /takes one of kafka, s3, warehouse/],
    [['up', 'kafka'], /firn local up does not take "kafka"/],
    [['up', '--jason'], /Unknown option '--jason'; for example: firn local up --json/],
    [['warehouse'], /firn local start warehouse/],
  ] as const) {
    const { code, stderr } = await firn(['local', ...args], { FIRN_LOCAL_DIR: join(root, 'none') })
    assert.equal(code, 2, stderr)
    assert.match(stderr, answer)
    assert.doesNotMatch(stderr, /\n +at /)
  }
  assert.ok(!readdirSync(root).includes('none'))
})

test('status of a folder without a stack says that all is stopped, and makes nothing', async () => {
  const dir = join(root, 'none')
  const { code, stdout } = await firn(['local', 'status', '--json', '--dir', dir])
  assert.equal(code, 3)
  const parts = JSON.parse(stdout) as readonly { readonly part: string; readonly state: string }[]
  assert.deepEqual(
    parts.map(({ part, state }) => [part, state]),
    [
      ['kafka', 'stopped'],
      ['s3', 'stopped'],
      ['warehouse', 'stopped'],
    ],
  )
  assert.ok(!readdirSync(root).includes('none'))
})
