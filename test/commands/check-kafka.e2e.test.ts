/**
 * `firn check` before a real broker with an authorizer, which refuses each right in turn.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Admin, kafkaClient } from '../../src/kafka/client.ts'
import { kafkajs } from '../../src/kafka/patches.ts'
import { openStage } from '../../src/stage/s3.ts'
import { createLogger } from '../../src/telemetry.ts'
import { type KafkaCluster, startCluster } from '../lab/kafka-cluster.ts'
import { type Checks, openChecks } from '../support/check.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { eventTopic, ...s3 } = testStack().s3
assert.ok(eventTopic)
const [topic, group] = ['guarded', 'guarded-group']
const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required'

/** The user comes through the listener with a login; whoever comes through the other one may do everything. */
const guarded = {
  'listener.security.protocol.map': 'DIRECT:PLAINTEXT,PROXIED:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
  'sasl.enabled.mechanisms': 'PLAIN',
  'listener.name.proxied.plain.sasl.jaas.config': `${plain} user_reader="secret";`,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

let folder: string
let cluster: KafkaCluster
let admin: Admin
let checks: Checks

const settings = (changes: { password?: string; tables?: object[]; prefix?: string } = {}) => ({
  kafka: {
    brokers: cluster.proxied,
    group,
    sasl: { mechanism: 'plain', username: 'reader', password: changes.password ?? 'secret' },
  },
  stage: { ...s3, prefix: changes.prefix ?? `guarded-${randomUUID().slice(0, 8)}/` },
  log: { level: 'silent' },
  tables: changes.tables ?? [{ topic, table: 'S.T', key: ['id'] }],
})

async function give(kind: 'TOPIC' | 'GROUP', resourceName: string, operation: 'READ' | 'DESCRIBE'): Promise<void> {
  const on = { resourceType: AclResourceTypes[kind], resourceName, resourcePatternType: ResourcePatternTypes.LITERAL }
  const right = { operation: AclOperationTypes[operation], permissionType: AclPermissionTypes.ALLOW }
  await admin.createAcls({ acl: [{ ...on, ...right, principal: 'User:reader', host: '*' }] })
}

async function takeAll(): Promise<void> {
  const on = { resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY }
  const any = { ...on, operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY }
  await admin.deleteAcls({ filters: [any] })
}

const troubles = async () => (await checks.check(settings())).troubles('kafka')

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-guarded-'))
  cluster = await startCluster(folder, 1, { listeners: {}, settings: guarded })
  const client = { brokers: [...cluster.direct], group, clientId: 'admin', ssl: false }
  admin = kafkaClient(client, createLogger({ level: 'silent' })).admin()
  await admin.connect()
  await admin.createTopics({ waitForLeaders: false, topics: [{ topic, numPartitions: 2, replicationFactor: 1 }] })
  checks = await openChecks()
})

after(async () => {
  await checks.close()
  await admin.disconnect()
  await cluster.down()
  await rm(folder, { recursive: true })
})

describe('a right that is missing is named, with the command that gives it:', { concurrency: false }, () => {
  const acl = (kind: string, name: string) =>
    `kafka-acls --bootstrap-server ${cluster.proxied[0]} --add --allow-principal 'User:reader' --operation Read --${kind} ${name}`

  test('none at all', async () => {
    const [first = '', second = '', ...rest] = await troubles()
    assert.match(first, /^failure topic guarded: may not be seen, so it may or may not exist: DESCRIBE on the topic/)
    assert.ok(first.endsWith(acl('topic', topic)), first)
    assert.match(
      second,
      /^failure group guarded-group: KAFKA_FORBIDDEN: DESCRIBE on the group guarded-group is missing/,
    )
    assert.ok(second.endsWith(acl('group', group)), second)
    assert.deepEqual(rest, [])
  })

  test('READ on the topic, where DESCRIBE is there', async () => {
    await give('TOPIC', topic, 'DESCRIBE')
    await give('GROUP', group, 'READ')
    const [first = '', ...rest] = await until('the new rights', troubles, (found) => found.length === 1)
    assert.match(first, /^failure topic guarded: KAFKA_FORBIDDEN: READ on the topic guarded is missing \| Give READ/)
    assert.ok(first.endsWith(acl('topic', topic)), first)
    assert.deepEqual(rest, [])
  })

  test('READ on the group, where DESCRIBE is there', async () => {
    await takeAll()
    await give('TOPIC', topic, 'READ')
    await give('GROUP', group, 'DESCRIBE')
    const [first = '', ...rest] = await until(
      'the new rights',
      troubles,
      (found) => found[0]?.includes('READ on the gr') === true,
    )
    assert.match(first, /^failure group guarded-group: KAFKA_FORBIDDEN: READ on the group guarded-group is missing/)
    assert.ok(first.endsWith(acl('group', group)), first)
    assert.deepEqual(rest, [])
  })

  test('and with READ on both, nothing is', async () => {
    await give('GROUP', group, 'READ')
    await until('the new rights', troubles, (found) => found.length === 0)
    const checked = await checks.check(settings())
    assert.equal(checked.code, 0)
    assert.match(
      checked.detail(`topic ${topic}`),
      /^can be read, partitions: 2; without tables\[\]\.order, its messages/,
    )
    assert.equal(checked.detail(`group ${group}`), 'can be joined and read, 0 partitions have a committed offset')
  })

  test('the check has joined no group, and made no topic', async () => {
    const { groups } = await admin.describeGroups([group])
    assert.deepEqual(
      groups.map(({ members }) => members),
      [[]],
    )
    assert.deepEqual(
      (await admin.listTopics()).filter((name) => !name.startsWith('__')),
      [topic],
    )
  })
})

describe('what is not there', { concurrency: false }, () => {
  test('a topic that may be seen and is not there does not exist', async () => {
    await give('TOPIC', 'absent', 'READ')
    const tables = [{ topic: 'absent', table: 'S.T', key: ['id'] }]
    const absent = async () => (await checks.check(settings({ tables }))).troubles('kafka')
    const found = await until('the new right', absent, ([first = '']) => !first.includes('may not be seen'))
    assert.deepEqual(found, ['failure topic absent: does not exist | Check tables[].topic, or create it.'])
  })

  test('a wrong password is a refused login, and hides nothing of the stage', async () => {
    const checked = await checks.check(settings({ password: 'wrong' }))
    assert.equal(checked.code, 3)
    const [first = '', ...rest] = checked.troubles('kafka')
    assert.match(first, /^failure brokers: KAFKA_DENIED: .* \| Kafka refuses the login, .* Check kafka\.sasl/)
    assert.doesNotMatch(first, /: wrong/)
    assert.deepEqual(rest, [])
    assert.match(checked.detail('rights'), /can be written, read and listed/)
  })
})

describe('the epoch record', { concurrency: false }, () => {
  const prefix = `guarded-${randomUUID().slice(0, 8)}/`
  const [orders, key] = [['at'], `${prefix}_firn/${topic}/e1.json`]
  const record = (changes: object) => {
    const members = {
      clusterId: null,
      partitionCount: 2,
      start: 'earliest',
      starts: { 0: '0', 1: '0' },
      dialect: 'plain',
    }
    return Buffer.from(JSON.stringify({ ...members, key: ['id'], order: null, ...changes }))
  }
  const put = async (name: string, changes: object) => {
    const stage = openStage({ ...s3, prefix })
    await stage.remove(name)
    await stage.put(name, record(changes), {})
    stage.close()
  }
  const check = (table: object = {}, kafka?: object) => {
    const base = settings({ prefix, tables: [{ topic, table: 'S.T', key: ['id'], ...table }] })
    return checks.check({ ...base, ...(kafka && { kafka }) })
  }
  const what = `epoch 1 of ${topic}`

  test('says before the ingester does that it would halt', async () => {
    const cases: readonly [changes: object, table: object, words: RegExp][] = [
      [
        { key: orders },
        {},
        /^failure .*: SETTINGS_CHANGED: .* began with key \["at"\], and the config says \["id"\] \| .*raise tables/,
      ],
      [{}, { order: 'kafka-timestamp' }, /^failure .*: SETTINGS_CHANGED: .* began with order null/],
      [{ clusterId: 'another' }, {}, /^failure .*: LOG_REPLACED: .* began on cluster another, and this is /],
      [{ partitionCount: 3 }, {}, /^failure .*: LOG_REPLACED: .* began with 3 partitions and has 2/],
      [{ partitionCount: 1 }, {}, /^failure .*: UNORDERED: .* began with 1 partitions and has 2/],
    ]
    for (const [changes, table, words] of cases) {
      await put(key, changes)
      const checked = await check(table)
      assert.equal(checked.code, 3)
      const found = checked.troubles('stage').filter((line) => line.includes(what))
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', words)
    }
  })

  test('agrees, also where partitions came later and an order is named, and where Kafka does not answer', async () => {
    const order = 'kafka-timestamp'
    await put(key, { partitionCount: 1, order })
    const came =
      'agrees with the settings; began with 1 partitions, and 1 came later, which are read from their beginning'
    assert.equal((await check({ order })).detail(what), came)
    const apart = (await check({ order }, { brokers: ['127.0.0.1:1'] })).detail(what)
    assert.equal(apart, 'agrees with the settings; began with 1 partitions; what Kafka has was not compared')
  })

  test('of a later epoch means that this one is over', async () => {
    await put(`${prefix}_firn/${topic}/e2.json`, {})
    const found = (await check({ order: 'kafka-timestamp' })).troubles('stage').filter((line) => line.includes(what))
    assert.match(found.join('\n'), /^failure .*: SETTINGS_CHANGED: epoch 2 of guarded has begun, and the config says 1/)
    assert.equal(
      (await check({ epoch: 3 })).detail(`epoch 3 of ${topic}`),
      'has not begun; firn run begins it at earliest',
    )
  })
})
