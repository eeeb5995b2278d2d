/**
 * What is changed inside kafkajs 2.2.4, and nothing else is. Nobody develops that version any further, so its insides stay
 * as they were read; another version ends the process at start. kafkajs is to be had from here alone: two of its modules
 * are replaced, which works only before the others have loaded them.
 * What concerns members of groups is written in group-patches.ts, connections in connection-patches.ts; the rest is here.
 */
import { createRequire } from 'node:module'
import type kafkajsTypes from 'kafkajs'
import { Failure } from '../failure.ts'
import { beginConnectionsAnew, type Connection, type RequestQueue, stopIdleTimer } from './connection-patches.ts'
import { FetchedBatch } from './fetched-batch.ts'
import {
  askBeforeRejoin,
  type ConsumerGroup,
  endFetchers,
  fetchAhead,
  handOver,
  keepOffsets,
  type OffsetManager,
  type Runner,
  takeTurns,
} from './group-patches.ts'
import { decodeRecordBatches, type RecordSet } from './record-batch.ts'

const inside = createRequire(import.meta.url)

type Metadata = {
  readonly topicMetadata: readonly {
    readonly topic: string
    readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[]
  }[]
}
type TopicPartitions = { readonly topic: string; readonly partitions: readonly { readonly partition: number }[] }
type Brokers = {
  findTopicPartitionMetadata(topic: string): Metadata['topicMetadata'][number]['partitionMetadata']
  refreshMetadata(): Promise<void>
  fetchTopicsOffset(topics: readonly TopicPartitions[]): Promise<TopicPartitions[]>
  readonly brokerPool: { findConnectedBroker(): Promise<{ metadata(topics: readonly string[]): Promise<Metadata> }> }
  metadata(options?: { readonly topics?: readonly string[] }): Promise<Metadata>
}
type Decoder = { readInt32(): number; canReadBytes(length: number): boolean; readBytes(length: number): Buffer }
type Codec = { decompress(bytes: Buffer): Promise<Buffer> }

/** kafkajs, changed. @throws Failure UNKNOWN where it is another version, or was loaded by somebody else before */
export const kafkajs = load()

function load(): typeof kafkajsTypes {
  const { version } = inside('kafkajs/package.json') as { readonly version: string }
  if (version !== '2.2.4') {
    throw new Failure('UNKNOWN', `kafkajs is ${version}; Firn's changes to it were made for 2.2.4`)
  }
  if (inside.cache[inside.resolve('kafkajs')]) throw new Failure('UNKNOWN', 'kafkajs was loaded before its changes')
  readRecordBatches()
  keepLeaderless()
  replace('kafkajs/src/consumer/batch', FetchedBatch)
  keepOffsets(prototypeOf('kafkajs/src/consumer/offsetManager') as OffsetManager)
  const group = prototypeOf('kafkajs/src/consumer/consumerGroup') as ConsumerGroup
  fetchAhead(group)
  takeTurns(group)
  askBeforeRejoin(group)
  const runner = prototypeOf('kafkajs/src/consumer/runner') as Runner
  handOver(runner)
  endFetchers(runner)
  beginConnectionsAnew(prototypeOf('kafkajs/src/network/connection') as Connection)
  stopIdleTimer(prototypeOf('kafkajs/src/network/requestQueue') as RequestQueue)
  const cluster = prototypeOf('kafkajs/src/cluster') as Brokers
  askLeadersAlone(cluster)
  askMetadataAside(cluster)
  return inside('kafkajs') as typeof kafkajsTypes
}

function prototypeOf(path: string): unknown {
  return (inside(path) as { readonly prototype: unknown }).prototype
}

/** For all that load it from now on. */
function replace(path: string, exports: unknown): void {
  inside(path)
  const module = inside.cache[inside.resolve(path)]
  if (!module) throw new Failure('UNKNOWN', `${path} cannot be replaced`)
  module.exports = exports
}

/**
 * kafkajs checks no CRC-32C, puts all records of a batch on the stack at once and dies of some 120,000, and forgets how far
 * a batch without records reaches, so that it fetches that one for ever.
 */
function readRecordBatches(): void {
  const { lookupCodecByAttributes } = inside('kafkajs/src/protocol/message/compression') as {
    readonly lookupCodecByAttributes: (attributes: number) => Codec | null
  }
  const decompress = async (attributes: number, bytes: Buffer): Promise<Buffer> => {
    const codec = lookupCodecByAttributes(attributes)
    if (!codec) throw new RangeError(`unknown compression codec ${attributes & 0x07}`)
    return await codec.decompress(bytes)
  }
  const none: RecordSet = { batches: [], unreadable: null, bytes: 0 }
  replace('kafkajs/src/protocol/requests/fetch/v4/decodeMessages', (decoder: Decoder): RecordSet => {
    const size = decoder.readInt32()
    return size > 0 && decoder.canReadBytes(size) ? decodeRecordBatches(decoder.readBytes(size), decompress) : none
  })
}

/** One partition without a leader makes kafkajs throw away all that it learns of brokers and topics with it. */
function keepLeaderless(): void {
  const path = 'kafkajs/src/protocol/requests/metadata/v0/response'
  const { parse, ...rest } = inside(path) as { readonly parse: (data: Metadata) => Promise<Metadata> }
  const parseLed = async (data: Metadata): Promise<Metadata> => {
    const topicMetadata = data.topicMetadata.map(({ partitionMetadata, ...topic }) => {
      return { ...topic, partitionMetadata: partitionMetadata.filter(({ leader }) => leader >= 0) }
    })
    await parse({ ...data, topicMetadata })
    return data
  }
  replace(path, { ...rest, parse: parseLed })
}

/** How often a cluster is asked for leaders that were missing, in ms. */
const leadersLookMs = 1_000

/** Then the offsets of the other partitions can be asked for; those without a leader are left out. */
function askLeadersAlone(cluster: Brokers): void {
  const fetchTopicsOffset = Reflect.get(cluster, 'fetchTopicsOffset')
  const looked = new WeakMap<Brokers, number>()
  cluster.fetchTopicsOffset = async function (this: Brokers, topics) {
    const isLed = (topic: string, id: number): boolean =>
      this.findTopicPartitionMetadata(topic).some(({ partitionId, leader }) => partitionId === id && leader >= 0)
    const led = () =>
      topics.map((asked) => {
        return { ...asked, partitions: asked.partitions.filter(({ partition }) => isLed(asked.topic, partition)) }
      })
    const isMissing = led().some(({ partitions }, at) => partitions.length < (topics[at]?.partitions.length ?? 0))
    // A leader may have been elected since.
    if (isMissing && Date.now() - (looked.get(this) ?? 0) >= leadersLookMs) {
      looked.set(this, Date.now())
      await this.refreshMetadata()
    }
    const found = await fetchTopicsOffset.call(this, led())
    return topics.map(({ topic }) => found.find((one) => one.topic === topic) ?? { topic, partitions: [] })
  }
}

/** How many brokers are asked for metadata. */
const metadataTries = 3

/**
 * kafkajs puts what it learns of one topic in place of all that its client knows, under the feet of other requests, and where
 * no broker answers it fails at reading the answer.
 */
function askMetadataAside(cluster: Brokers): void {
  cluster.metadata = async function (this: Brokers, { topics = [] } = {}) {
    for (let attempt = 1; ; attempt++) {
      try {
        const broker = await this.brokerPool.findConnectedBroker()
        return await broker.metadata(topics)
      } catch (error) {
        const { retriable } = error as { readonly retriable?: boolean }
        if (attempt === metadataTries || retriable !== true) throw error
      }
    }
  }
}
