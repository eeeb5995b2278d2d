/** The stage's contract on a real S3 server. */
import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { createBucket, openStage } from '../../src/stage/s3.ts'
import { probeStage } from '../../src/stage/probe.ts'
import { startTcpProxy } from '../lab/tcp-proxy.ts'
import { testStack } from '../support/stack.ts'

const { s3 } = testStack()
const config = { ...s3, prefix: `stage-${randomUUID()}/` }
const stage = openStage(config)
const key = (name: string) => `${config.prefix}${name}`
after(() => {
  stage.close()
})

test('the first to put an object stores it; the same bytes again are its own, others find the name taken', async () => {
  const body = Buffer.from('first')
  assert.equal(await stage.put(key('a'), body, { rows: '1' }), 'stored')
  assert.equal(await stage.put(key('a'), body, { rows: '1' }), 'own')
  assert.equal(await stage.put(key('a'), Buffer.from('second'), {}), 'taken')
  assert.equal(Buffer.from((await stage.get(key('a'))) ?? []).toString(), 'first')
  const head = await stage.head(key('a'))
  assert.equal(head?.sha256, createHash('sha256').update(body).digest('base64'))
  assert.deepEqual({ ...head.metadata }, { rows: '1' })
})

test('an object whose answer was lost is known as stored', async (t) => {
  const proxy = await startTcpProxy(Number(new URL(config.endpoint).port))
  const lossy = openStage({ ...config, endpoint: `http://${proxy.address}` })
  t.after(async () => {
    lossy.close()
    await proxy.close()
  })
  for (const bytes of [0, 20]) {
    const name = key(`lost-${bytes}`)
    proxy.halve(bytes)
    assert.equal(await lossy.put(name, Buffer.from('x'), {}), 'own')
    proxy.halve(bytes)
    assert.equal(await lossy.put(name, Buffer.from('y'), {}), 'taken')
  }
})

test('of many at once exactly one stores, also where bodies are large', async () => {
  const bodies = Array.from({ length: 6 }, (_, at) => Buffer.alloc(5 * 2 ** 20, String(at)))
  const puts = bodies.map(async (body) => {
    for (;;) {
      try {
        return await stage.put(key('race'), body, {})
      } catch (error) {
        assert.equal((error as { response?: string }).response, 'retry')
      }
    }
  })
  const outcomes = await Promise.all(puts)
  const stored = Buffer.from((await stage.get(key('race'))) ?? [])
  outcomes.forEach((outcome, at) => {
    assert.equal(outcome === 'taken', !bodies[at]?.equals(stored))
  })
})

test('objects are listed in the order of their keys, from behind a key, over many pages', async () => {
  const names = Array.from({ length: 1_100 }, (_, at) => String(at).padStart(5, '0'))
  for (let at = 0; at < names.length; at += 50) {
    await Promise.all(names.slice(at, at + 50).map((name) => stage.put(key(`list/${name}`), Buffer.from(name), {})))
  }
  const listed: string[] = []
  for await (const object of stage.list(key('list/'))) listed.push(object.key)
  assert.deepEqual(
    listed,
    names.map((name) => key(`list/${name}`)),
  )
  const later: string[] = []
  for await (const object of stage.list(key('list/'), { startAfter: key('list/01097') })) later.push(object.key)
  assert.deepEqual(
    later,
    ['01098', '01099'].map((name) => key(`list/${name}`)),
  )
})

test('a shallow list leaves out what lies deeper', async () => {
  for (const name of ['e1.json', 'e1/gaps/0', 'e2.json', 'e2/values/1'])
    await stage.put(key(`shallow/${name}`), Buffer.from(name), {})
  const listed: string[] = []
  for await (const object of stage.list(key('shallow/e'), { shallow: true })) listed.push(object.key)
  assert.deepEqual(listed, [key('shallow/e1.json'), key('shallow/e2.json')])
})

test('what is not there is null, and may be removed', async () => {
  assert.equal(await stage.head(key('none')), null)
  assert.equal(await stage.get(key('none')), null)
  await stage.remove(key('none'))
  await stage.put(key('gone'), Buffer.from('x'), {})
  await stage.remove(key('gone'))
  assert.equal(await stage.head(key('gone')), null)
})

test('what is wrong with the stage is told by its code', async () => {
  const wrong = async (change: Partial<typeof config>, code: string) => {
    const other = openStage({ ...config, ...change })
    await assert.rejects(other.put(key('x'), Buffer.from('x'), {}), { code })
    other.close()
  }
  await wrong({ endpoint: 'http://127.0.0.1:1' }, 'STAGE_UNREACHABLE')
  await wrong({ secretAccessKey: 'wrong' }, 'STAGE_DENIED')
  await wrong({ accessKeyId: 'nobody' }, 'STAGE_DENIED')
  await wrong({ bucket: `none-${randomUUID()}` }, 'BUCKET_MISSING')
})

test('a bucket may be created twice', async () => {
  const fresh = { ...config, bucket: `fresh-${randomUUID()}` }
  await createBucket(fresh)
  await createBucket(fresh)
})

test('the store proves that it replaces nothing, and proves it again', async () => {
  await probeStage(stage, config.prefix)
  await probeStage(stage, config.prefix)
})
