/**
 * Mutants of what is read from Kafka: each breaks one rule, and names the test that sees it.
 */
import type { Mutant } from './mutant.ts'

export const kafkaMutants: readonly Mutant[] = [
  {
    name: 'never compare the checksum of a record batch',
    file: 'src/kafka/record-batch.ts',
    find: `    if (crc32c(batch.subarray(crcEnd)) !== batch.readUInt32BE(crcAt)) return refused('CRC-32C mismatch')\n`,
    replace: `    if (crc32c(batch) === batch.readUInt32BE(crcAt)) return refused('CRC-32C mismatch')\n`,
    caughtBy: {
      file: 'test/kafka/record-batch.test.ts',
      test: 'any flipped bit behind the checksum is found, and only what lies before its batch is read',
    },
  },
  {
    name: 'deliver what was aborted, where its transaction began before the fetch',
    file: 'src/kafka/transactions.ts',
    find: `      aborting.add(next.producerId)\n      ahead.shift()\n`,
    replace: `      ahead.shift()\n      if (next.first >= batch.first) aborting.add(next.producerId)\n`,
    caughtBy: {
      file: 'test/kafka/fetched-batch.test.ts',
      test: 'where no marker is known, what the broker lists counts, in any order and up to the next abort marker',
    },
  },
  {
    name: 'believe a broker that lists too few aborted transactions',
    file: 'src/kafka/transactions.ts',
    find: `    return outcome === undefined ? !aborted.has(batch) : outcome === 'commit'\n`,
    replace: `    return !abortedAsListed(batches, listed).has(batch)\n`,
    caughtBy: {
      file: 'test/kafka/fetched-batch.test.ts',
      test: 'what was aborted is left out where the broker lists nothing of it',
    },
  },
  {
    name: 'forget how far an emptied batch reaches',
    file: 'src/kafka/fetched-batch.ts',
    find: `    this.#reached = batches.filter(({ last }) => last >= this.#fetched)\n`,
    replace: `    this.#reached = batches.filter(({ last, count }) => last >= this.#fetched && count > 0)\n`,
    caughtBy: {
      file: 'test/kafka/fetched-batch.test.ts',
      test: 'markers, emptied batches and removed offsets are covered to their end',
    },
  },
  {
    name: 'go on where nobody has taken what was asked ahead in an earlier generation',
    file: 'src/kafka/group-patches.ts',
    find: `    const isOurs = ahead?.generationId === this.generationId\n`,
    replace: `    const isOurs = ahead !== null\n`,
    caughtBy: {
      file: 'test/kafka/patches-fetch.test.ts',
      test: 'what was asked ahead in an earlier generation is neither handed over nor where the next one continues',
    },
  },
  {
    name: 'let kafkajs jump when an offset is outside of the log',
    file: 'src/kafka/group-patches.ts',
    find: `    if (hooks) hooks.outOfRange(place.topic, place.partition)\n`,
    replace: `    if (hooks && place.partition < 0) hooks.outOfRange(place.topic, place.partition)\n`,
    caughtBy: {
      file: 'test/kafka/patches.test.ts',
      test: 'an offset outside of the log is told, and neither committed nor left',
    },
  },
  {
    name: 'believe a broker that lists transactions in another order than they began',
    file: 'src/kafka/transactions.ts',
    find: `    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))\n`,
    replace: ``,
    caughtBy: {
      file: 'test/kafka/fetched-batch.test.ts',
      test: 'where no marker is known, what the broker lists counts, in any order and up to the next abort marker',
    },
  },
  {
    name: 'take the last marker of a producer for the first',
    file: 'src/kafka/marker-scan.ts',
    find: `if (offset >= from && !ends.has(producerId)) ends`,
    replace: `if (offset >= from) ends`,
    caughtBy: {
      file: 'test/kafka/marker-scan.test.ts',
      test: 'exactly what was committed is seen, by fetches and reads of any size, and nothing is read behind them twice',
    },
  },
  {
    name: 'keep markers that lie before what is in doubt',
    file: 'src/kafka/marker-scan.ts',
    find: `if (offset >= from && !ends.has(producerId)) ends`,
    replace: `if (!ends.has(producerId)) ends`,
    caughtBy: {
      file: 'test/kafka/marker-scan.test.ts',
      test: 'exactly what was committed is seen, by fetches and reads of any size, and nothing is read behind them twice',
    },
  },
  {
    name: 'look for no marker beyond a fetch',
    file: 'src/kafka/group-patches.ts',
    find: `      batches = await fetchesFrom(member.cluster, nodeId).markerScan.settle(telling)\n`,
    replace: `      batches = telling\n`,
    caughtBy: {
      file: 'test/lab/three-brokers.e2e.test.ts',
      test: 'of a transaction that ends behind the last stable offset',
    },
  },
  {
    name: 'go by the markers of a partition in another one',
    file: 'src/kafka/marker-scan.ts',
    find: '    const place = `${batch.topic}/${batch.partition}`\n',
    replace: '    const place = batch.topic\n',
    caughtBy: {
      file: 'test/kafka/marker-scan.test.ts',
      test: 'what is known of a partition counts for it alone',
    },
  },
  {
    name: 'go by markers that were read before a fetch that does not continue',
    file: 'src/kafka/marker-scan.ts',
    find: `known?.expected === from ? known.pieces`,
    replace: `known ? known.pieces`,
    caughtBy: {
      file: 'test/kafka/marker-scan.test.ts',
      test: 'what is known of a log counts for fetches that continue each other alone',
    },
  },
]
