/**
 * What a data engineer writes in an afternoon: kafkajs, parquetjs-lite by rows, a put for each file. Nothing is validated but
 * what JSON.parse refuses, and nothing is safe when it is killed. Says `drained` when everything it was told of is stored.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'
import parquet from 'parquetjs-lite'

const { brokers, topic, group, messages, stage } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly brokers: string[]
  readonly topic: string
  readonly group: string
  readonly messages: number
  readonly stage: Readonly<
    Record<'bucket' | 'prefix' | 'region' | 'endpoint' | 'accessKeyId' | 'secretAccessKey', string>
  >
}

const rowsPerFile = 50_000

type Writer = {
  readonly appendRow: (row: Readonly<Record<string, unknown>>) => Promise<void>
  readonly close: () => Promise<void>
}
type RowsApi = {
  readonly ParquetSchema: new (fields: Readonly<Record<string, unknown>>) => unknown
  readonly ParquetWriter: { readonly openFile: (schema: unknown, path: string) => Promise<Writer> }
}
const { ParquetSchema, ParquetWriter } = parquet as unknown as RowsApi
const text = { type: 'UTF8', optional: true, compression: 'SNAPPY' }
const schema = new ParquetSchema({
  kafka_topic: { type: 'UTF8', compression: 'SNAPPY' },
  kafka_partition: { type: 'INT32', compression: 'SNAPPY' },
  kafka_offset: { type: 'INT64', compression: 'SNAPPY' },
  kafka_timestamp: { type: 'INT64', compression: 'SNAPPY' },
  op: text,
  id: text,
  before: text,
  after: text,
})

const { accessKeyId, secretAccessKey, endpoint, region, bucket, prefix } = stage
const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } })
const dir = await mkdtemp(join(tmpdir(), 'baseline-'))
process.on('exit', () => void rm(dir, { recursive: true, force: true }))

type Open = { readonly writer: Writer; readonly path: string; readonly first: string; rows: number }
const open = new Map<number, Open>()
let seen = 0

async function store(partition: number): Promise<void> {
  const file = open.get(partition)
  if (!file) return
  open.delete(partition)
  await file.writer.close()
  const Key = `${prefix}${topic}/${partition}/${file.first}.parquet`
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: await readFile(file.path) }))
  await rm(file.path)
}

kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }) => lz4.compressFrame(buffer),
  decompress: (bytes: Buffer) => lz4.decompressFrame(bytes),
})
const kafka = new kafkajs.Kafka({ brokers, clientId: 'baseline', logLevel: kafkajs.logLevel.ERROR })
const consumer = kafka.consumer({ groupId: group, sessionTimeout: 60_000 })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  eachBatch: async (payload) => {
    const { partition, messages: batch } = payload.batch
    for (const { offset, timestamp, value } of batch) {
      let file = open.get(partition)
      if (!file) {
        const path = join(dir, `${partition}-${offset}.parquet`)
        file = { writer: await ParquetWriter.openFile(schema, path), path, first: offset, rows: 0 }
        open.set(partition, file)
      }
      const change = JSON.parse(value?.toString() ?? 'null') as {
        readonly operation: string
        readonly before: { readonly id: number } | null
        readonly after: { readonly id: number } | null
      }
      await file.writer.appendRow({
        kafka_topic: topic,
        kafka_partition: partition,
        kafka_offset: Number(offset),
        kafka_timestamp: Number(timestamp),
        op: change.operation,
        id: String((change.after ?? change.before)?.id),
        before: change.before && JSON.stringify(change.before),
        after: change.after && JSON.stringify(change.after),
      })
      file.rows++
      if (file.rows === rowsPerFile) {
        await store(partition)
        await payload.heartbeat()
      }
    }
    await payload.heartbeat()
    seen += batch.length
    if (seen < messages) return
    for (const left of [...open.keys()]) await store(left)
    process.stdout.write('drained\n')
  },
})
