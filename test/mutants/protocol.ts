/**
 * Mutants of the ingest protocol: each breaks one rule, and names the test that sees it. `make mutants` plants them one by one.
 */
import type { Mutant } from './mutant.ts'

const exhaustive = 'test/model/exhaustive.test.ts'
const roster = 'test/ingest/roster.test.ts'
const halts = 'test/ingest/roster-halts.test.ts'
const faults = 'test/ingest/roster-faults.test.ts'
const resume = 'test/ingest/resume.test.ts'

export const protocolMutants: readonly Mutant[] = [
  {
    name: 'commit before the put',
    file: 'src/ingest/outbox.ts',
    find: `    const outcome = await this.#store({ key, body: file, metadata: encodeLandingMetadata({ rows, anchor }) })\n`,
    replace: `    await this.#settle('stored', about)\n    const outcome = await this.#store({ key, body: file, metadata: encodeLandingMetadata({ rows, anchor }) })\n`,
    caughtBy: { file: roster, test: 'nothing is committed before its file is stored' },
  },
  {
    name: 'commit all that was taken, stored or not',
    file: 'src/ingest/progress.ts',
    find: `  const next = step.range.last + 1n\n`,
    replace: `  const next = progress.cursor\n`,
    caughtBy: { file: exhaustive, test: 'two members take the partition from each other three times' },
  },
  {
    name: 'name a file by its first offset alone',
    file: 'src/landing.ts',
    find: `  const range = \`\${fixed(file.range.first, 20)}-\${fixed(file.range.last, 20)}\`\n  return \`\${partitionPrefix(`,
    replace: `  const range = \`\${fixed(file.range.first, 20)}-\${fixed(file.range.first, 20)}\`\n  return \`\${partitionPrefix(`,
    caughtBy: { file: exhaustive, test: 'two members take the partition from each other three times' },
  },
  {
    name: 'resume at the highest end, over a hole',
    file: 'src/ingest/resume.ts',
    find: `    if (range.first > cursor) break\n`,
    replace: ``,
    caughtBy: { file: exhaustive, test: 'a landing file was removed by hand, and the group is lost' },
  },
  {
    name: "trust the client's position",
    file: 'src/ingest/acceptance.ts',
    find: `  return fetched.offset === reader.cursor ? 'take' : 'seek'\n`,
    replace: `  return fetched.offset >= reader.cursor ? 'take' : 'seek'\n`,
    caughtBy: { file: exhaustive, test: 'the client hands over a batch from elsewhere' },
  },
  {
    name: 'adopt without the anchor',
    file: 'src/ingest/start.ts',
    find: `  if (replacedAt !== null) return replacedFailure(place, replacedAt)\n`,
    replace: ``,
    caughtBy: { file: exhaustive, test: 'the topic is created again, as long' },
  },
  {
    name: 'take any anchor for the same',
    file: 'src/ingest/anchor.ts',
    find: `  return hash === anchor.hash && timestamp === anchor.timestamp ? 'same' : 'other'\n`,
    replace: `  return hash !== '' && timestamp === anchor.timestamp ? 'same' : 'other'\n`,
    caughtBy: { file: exhaustive, test: 'the topic is created again, longer' },
  },
  {
    name: 'ignore that the name is taken',
    file: 'src/ingest/outbox.ts',
    find: `    return outcome === 'taken' ? 'taken' : 'stored'\n`,
    replace: `    return outcome === 'taken' ? 'stored' : 'stored'\n`,
    caughtBy: {
      file: faults,
      test: 'where another writer stored the same range first, the partition resumes behind it',
    },
  },
  {
    name: 'commit behind a name that was taken',
    file: 'src/ingest/progress.ts',
    find: `  if (outcome === 'taken') return { progress: abandoned(progress), commit: null }\n`,
    replace: ``,
    caughtBy: {
      file: 'test/ingest/progress.test.ts',
      test: 'behind a name that another writer has taken nothing is committed',
    },
  },
  {
    name: 'accept a batch that was asked for before the start',
    file: 'src/ingest/acceptance.ts',
    find: `  if (fetched.askedAt === null || fetched.askedAt < reader.startedAt) return 'drop'\n`,
    replace: ``,
    caughtBy: { file: exhaustive, test: 'the topic is created again, longer' },
  },
  {
    name: 'let a commit of another epoch vouch',
    file: 'src/ingest/resume.ts',
    find: `  return commitment?.epoch === epoch && commitment.next === committed?.offset ? commitment : null\n`,
    replace: `  return epoch > 0 && commitment?.next === committed?.offset ? commitment : null\n`,
    caughtBy: { file: resume, test: 'a commit of another epoch says nothing of this one, and is no harm' },
  },
  {
    name: 'let a copied string vouch beside another offset',
    file: 'src/ingest/resume.ts',
    find: `  return commitment?.epoch === epoch && commitment.next === committed?.offset ? commitment : null\n`,
    replace: `  return commitment?.epoch === epoch ? { ...commitment, next: committed?.offset ?? 0n } : null\n`,
    caughtBy: { file: resume, test: 'a string of Firn beside another offset is as good as none' },
  },
  {
    name: 'let an offset that was set forward by hand vouch',
    file: 'src/ingest/resume.ts',
    find: `  let cursor = beginningOf(vouched, trail, log)\n`,
    replace: `  let cursor = isForeign(trail.committed) ? trail.committed.offset : beginningOf(vouched, trail, log)\n`,
    caughtBy: { file: exhaustive, test: "the group's offsets are lost, or set forward" },
  },
  {
    name: 'go on where Kafka has deleted what was not staged',
    file: 'src/ingest/resume.ts',
    find: `  if (cursor < log.low) return {`,
    replace: `  if (cursor < 0n) return {`,
    caughtBy: { file: resume, test: 'the stage ends below what Kafka still has: retention loss, with its gap' },
  },
  {
    name: 'seal a batch and keep it open',
    file: 'src/ingest/progress.ts',
    find: `    opened: cursor,\n    underway: [...underway,`,
    replace: `    opened,\n    underway: [...underway,`,
    caughtBy: {
      file: 'test/ingest/progress.test.ts',
      test: 'in any order of steps the chain has no gap, and each commit is the end of what is staged',
    },
  },
  {
    name: 'pass offsets without a row before what is on its way',
    file: 'src/ingest/outbox.ts',
    find: `    this.#enqueue(() => this.#listener.settled('stored', about))\n`,
    replace: `    void this.#listener.settled('stored', about)\n`,
    caughtBy: { file: roster, test: 'offsets without a row are not committed before the file that is on its way' },
  },
  {
    name: 'store out of order',
    file: 'src/ingest/outbox.ts',
    find: `    this.#queue = this.#queue.then(async () => {\n`,
    replace: `    this.#queue = Promise.resolve().then(async () => {\n`,
    caughtBy: { file: roster, test: 'one partition stores in order, others do not wait for it' },
  },
  {
    name: 'store without If-None-Match',
    file: 'src/stage/s3.ts',
    find: `    IfNoneMatch: '*',\n`,
    replace: ``,
    caughtBy: {
      file: 'test/stage/s3.e2e.test.ts',
      test: 'the first to put an object stores it; the same bytes again are its own, others find the name taken',
    },
  },
  {
    name: 'take a lost answer for a failure',
    file: 'src/stage/s3.ts',
    find: `    if (statusOf(error) !== 412 && failure.code !== 'STAGE_UNREACHABLE') throw failure\n`,
    replace: `    if (statusOf(error) !== 412) throw failure\n`,
    caughtBy: { file: 'test/stage/s3.e2e.test.ts', test: 'an object whose answer was lost is known as stored' },
  },
  {
    name: 'go by the own record of an epoch, though another was first',
    file: 'src/ingest/epoch.ts',
    find: `  if (outcome !== 'taken') return record\n`,
    replace: `  if (outcome !== 'taken' || record) return record\n`,
    caughtBy: {
      file: 'test/ingest/epoch-record.test.ts',
      test: 'of two who begin an epoch at once both go by the record of the first',
    },
  },
  {
    name: 'hold on to the buffers of what was fetched',
    file: 'src/ingest/partition.ts',
    find: `      this.#open?.batch.letGo()\n`,
    replace: ``,
    caughtBy: {
      file: 'test/ingest/roster-offers.test.ts',
      test: 'the buffers of what was offered are let go of by the time that the offer returns',
    },
  },
  {
    name: 'give back the memory of answers that lie beside others',
    file: 'src/memory.ts',
    find: `  if (answers.delete(buffer)) (buffer`,
    replace: `  if (answers.delete(buffer) || buffer.byteLength > 0) (buffer`,
    caughtBy: {
      file: 'test/kafka/connection-patches.test.ts',
      test: 'an answer that came in pieces is given back by its memory, and with it no other',
    },
  },
  {
    name: 'give up what was read when the log loses it',
    file: 'src/ingest/roster.ts',
    find: `    slot.partition.leave()\n    this.#renew(slot, null)\n`,
    replace: `    slot.partition.abandon()\n    this.#renew(slot, null)\n`,
    caughtBy: {
      file: faults,
      test: 'what was read before the log lost it is stored and committed, however late, before its partition halts',
    },
  },
  {
    name: 'forget that the log was replaced with the next commit',
    file: 'src/ingest/partition-commits.ts',
    find: `this.#otherLog ?? failure`,
    replace: `failure`,
    caughtBy: {
      file: halts,
      test: 'what is still stored of a replaced log is committed with that note, too',
    },
  },
  {
    name: 'begin the next file behind what was passed',
    file: 'src/ingest/partition.ts',
    find: `open ? first : next, next, turn)`,
    replace: `next, next, turn)`,
    caughtBy: { file: roster, test: 'a file begins where a batch without rows was passed, also by who comes next' },
  },
  {
    name: 'go by a commit that has seen no message',
    file: 'src/ingest/resume.ts',
    find: `  if (vouched && (vouched.anchor || !start.earliest)) return vouched.next\n`,
    replace: `  if (vouched) return vouched.next\n`,
    caughtBy: { file: exhaustive, test: 'the topic holds markers alone, and is created again' },
  },
  {
    name: 'stage under an epoch that is over',
    file: 'src/ingest/epoch-record.ts',
    find: `  if (latest > table.epoch) {\n`,
    replace: `  if (latest < table.epoch) {\n`,
    caughtBy: {
      file: 'test/ingest/epoch-record.test.ts',
      test: 'an epoch below one that has begun halts: its changes would lose, unseen',
    },
  },
  {
    name: 'lift a halt though the name is still taken',
    file: 'src/ingest/inspection.ts',
    find: `halted.filter(({ code }) => code !== 'NAME_TAKEN')`,
    replace: `halted`,
    caughtBy: { file: halts, test: 'a name that is taken by what is no landing file halts, and stays so' },
  },
  {
    name: 'count what a batch without rows held for ever',
    file: 'src/ingest/partition.ts',
    find: `    this.#progress = step.leaving(this.#progress)\n    this.#drop()\n`,
    replace: `    this.#progress = step.leaving(this.#progress)\n`,
    caughtBy: { file: roster, test: 'a batch without a row holds no memory once its generation is over' },
  },
  {
    name: 'commit for a partition that went elsewhere',
    file: 'src/ingest/roster.ts',
    find: `      const isCurrent = partition.generation === this.#generation?.id && this.#slots.at(topic, number) !== null\n`,
    replace: `      const isCurrent = this.#generation !== null\n`,
    caughtBy: { file: faults, test: 'a commit that Kafka refuses is tried again, and no more in another generation' },
  },
]

/**
 * Mutants that change no outcome, with the argument.
 *
 * - Commit nothing at all when a partition starts: the files above the last commit are adopted again at the next start, and
 *   the stage alone shows the way. It costs a longer listing, and never a row.
 * - Store files of a batch that was taken by another member's generation: the ranges overlap, and rows of overlapping files
 *   have the same positions, so that the merge applies one of them. The auditor counts them as "twice".
 */
