/**
 * The Kafka of the development stack: one broker that is its own controller, with a plain listener and one as production
 * has it (SASL_SSL). How it is started, and when it is ready. Topics other than that of the S3 events are the user's.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Failure } from '../failure.ts'
import { kafkaClient } from '../kafka/client.ts'
import { certificatesIn } from './certificates.ts'
import type { PartServer, StackPlan } from './part-server.ts'

const run = promisify(execFile)

export const kafkaUser = 'firn'
/** Where the S3 server's events go: the stand-in for SQS. */
export const eventTopic = 's3-events'

export function kafkaServer(plan: StackPlan): PartServer {
  const { dir, parts } = plan
  const folder = join(dir, 'kafka')
  const properties = join(folder, 'server.properties')
  const java = (mainClass: string, ...args: readonly string[]): readonly string[] => [
    // The fast compiler alone: a short life is better served by a quick start.
    '-XX:TieredStopAtLevel=1',
    '-XX:-UsePerfData',
    '-Xmx512m',
    '-Djava.net.preferIPv4Stack=true',
    `-Dlog4j2.configurationFile=file:${join(folder, 'log4j2.xml')}`,
    ...['-cp', parts.kafkaClassPath, mainClass, ...args],
  ]
  return {
    name: 'kafka',
    needs: [],
    prepare: async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(properties, serverProperties(plan, folder), { mode: 0o600 })
      await writeFile(join(folder, 'log4j2.xml'), log4j)
      await format(plan, folder, (args) => run(parts.java, java('kafka.tools.StorageTool', ...args)))
    },
    launch: () => ({ program: parts.java, args: java('kafka.Kafka', properties) }),
    assertReady: () => assertReady(plan),
  }
}

/** Gives the empty data folder its identity and its user; a mark at the end tells a whole one from an interrupted one. */
async function format(
  { state }: StackPlan,
  folder: string,
  storageTool: (args: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const mark = join(folder, 'formatted')
  if (existsSync(mark)) return
  await rm(join(folder, 'data'), { recursive: true, force: true })
  const user = `[name=${kafkaUser},password=${state.passwords.kafka}]`
  const scram = ['256', '512'].flatMap((bits) => ['--add-scram', `SCRAM-SHA-${bits}=${user}`])
  const properties = join(folder, 'server.properties')
  try {
    await storageTool(['format', '--standalone', `--cluster-id=${state.kafkaClusterId}`, '-c', properties, ...scram])
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { readonly stderr?: string; readonly stdout?: string }
    throw new Failure('STACK_PART_FAILED', `Kafka cannot format its folder\n${stdout}${stderr}`, { cause: error })
  }
  await writeFile(mark, '')
}

function serverProperties({ dir, state }: StackPlan, folder: string): string {
  const { ports, passwords } = state
  const jaas = 'org.apache.kafka.common.security'
  const listeners = `PLAINTEXT://127.0.0.1:${ports.kafka},SASL_SSL://127.0.0.1:${ports.kafkaSaslSsl}`
  const controller = `127.0.0.1:${ports.kafkaController}`
  const scram = `${jaas}.scram.ScramLoginModule required;`
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': controller,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: `${listeners},CONTROLLER://${controller}`,
    'advertised.listeners': `${listeners},CONTROLLER://${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `${jaas}.plain.PlainLoginModule required user_${kafkaUser}="${passwords.kafka}";`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.sasl_ssl.ssl.keystore.type': 'PEM',
    'listener.name.sasl_ssl.ssl.keystore.location': certificatesIn(dir).serverFile,
    'log.dirs': join(folder, 'data'),
    'auto.create.topics.enable': 'false',
    // A message of the greatest value that Firn stages (16 MiB) and room for the rest.
    'message.max.bytes': String(32 * 2 ** 20),
    'replica.fetch.max.bytes': String(32 * 2 ** 20),
    // One broker holds all.
    'default.replication.factor': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // Quick to start, to rebalance, and to come back after a kill -9.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // Compaction and retention are seen within seconds.
    'log.cleaner.backoff.ms': '500',
    'log.retention.check.interval.ms': '1000',
    // Small: it shares a laptop.
    'num.network.threads': '2',
    'num.io.threads': '4',
    'log.cleaner.dedupe.buffer.size': String(16 * 2 ** 20),
  }
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}

const log4j = `<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="warn">
  <Appenders>
    <Console name="console"><PatternLayout pattern="%d{ISO8601} %-5p %m (%c{1})%n%throwable"/></Console>
  </Appenders>
  <Loggers>
    <Root level="info"><AppenderRef ref="console"/></Root>
    <!-- Each prints all of its settings at info. -->
    <Logger name="org.apache.kafka.common.config.AbstractConfig" level="warn"/>
    <Logger name="kafka.server.KafkaConfig" level="warn"/>
    <Logger name="org.apache.kafka.common.utils.AppInfoParser" level="warn"/>
  </Loggers>
</Configuration>
`

/** It answers, has the topic of the S3 events, and leads that topic's partition. */
async function assertReady({ state, logger }: StackPlan): Promise<void> {
  // The client is slow to see that nobody listens; asking the port first keeps the start quick.
  for (const port of [state.ports.kafka, state.ports.kafkaSaslSsl]) await assertListening(port)
  const brokers = [`127.0.0.1:${state.ports.kafka}`]
  const admin = kafkaClient({ brokers, group: 'firn-stack', clientId: 'firn-stack', ssl: false }, logger).admin()
  try {
    await admin.connect()
    await admin.createTopics({
      // Waiting for leaders is done below: kafkajs's own way often fails on a topic that is just being made.
      waitForLeaders: false,
      topics: [{ topic: eventTopic, numPartitions: 1, replicationFactor: 1 }],
    })
    const { topics } = await admin.fetchTopicMetadata({ topics: [eventTopic] })
    if (topics[0]?.partitions[0]?.leader !== 1) throw new Error(`${eventTopic} has no leader yet`)
  } finally {
    await admin.disconnect()
  }
}

async function assertListening(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject)
    })
  } finally {
    socket.destroy()
  }
}
