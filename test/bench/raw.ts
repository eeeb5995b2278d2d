/**
 * The limit of what a Node process can do with kafkajs as it comes: fetches every message of a topic and only counts. Says
 * `drained` when it has as many as it was told, and waits to be ended.
 */
import kafkajs from 'kafkajs'
import lz4 from 'lz4-napi'

const { brokers, topic, group, messages } = JSON.parse(process.argv[2] ?? '{}') as {
  readonly brokers: string[]
  readonly topic: string
  readonly group: string
  readonly messages: number
}
kafkajs.CompressionCodecs[kafkajs.CompressionTypes.LZ4] = () => ({
  compress: ({ buffer }: { readonly buffer: Buffer }) => lz4.compressFrame(buffer),
  decompress: (bytes: Buffer) => lz4.decompressFrame(bytes),
})
const kafka = new kafkajs.Kafka({ brokers, clientId: 'raw', logLevel: kafkajs.logLevel.ERROR })
const consumer = kafka.consumer({ groupId: group })
await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
let seen = 0
await consumer.run({
  partitionsConsumedConcurrently: 4,
  eachBatch: ({ batch }) => {
    seen += batch.messages.length
    if (seen === messages) process.stdout.write('drained\n')
    return Promise.resolve()
  },
})
