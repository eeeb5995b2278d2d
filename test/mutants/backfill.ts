/**
 * Mutants of the backfill: each breaks one rule of replays, and names the test that sees it.
 */
import type { Mutant } from './mutant.ts'

const decisions = 'test/backfill/decisions.test.ts'
const replay = 'test/backfill/replay.test.ts'
const judge = 'test/audit/judge.test.ts'

export const backfillMutants: readonly Mutant[] = [
  {
    name: 'go on over a hole between the files of a run',
    file: 'src/backfill/replaying.ts',
    find: `return isSparse ?`,
    replace: `return isSparse || ranges.length > 0 ?`,
    caughtBy: { file: decisions, test: 'goes on where the files that join end, never beyond a hole' },
  },
  {
    name: 'begin a file at its first message',
    file: 'src/backfill/replay.ts',
    find: `isSparse ? message.offset : first`,
    replace: `message.offset`,
    caughtBy: { file: replay, test: 'has every offset in one file, up to its last row' },
  },
  {
    name: 'hold on to the buffers of a stretch',
    file: 'src/backfill/replay.ts',
    find: `      open?.letGo()\n`,
    replace: ``,
    caughtBy: { file: replay, test: 'holds nothing of a stretch when the next one is asked for' },
  },
  {
    name: 'look at the memory by the stretches of a fetch',
    file: 'src/backfill/replay.ts',
    find: `      signal.throwIfAborted()\n`,
    replace: `      signal.throwIfAborted()\n      unseenBytes = 0\n`,
    caughtBy: { file: replay, test: 'ends its files by what they hold, not by how much of it came at once' },
  },
  {
    name: 'take the range of single messages for all that lies in it',
    file: 'src/landing.ts',
    find: `run?.endsWith('_rows') !== true`,
    replace: `run !== undefined`,
    caughtBy: { file: judge, test: 'what a run of single messages holds fills no hole' },
  },
  {
    name: 'store rejects again that were rejects',
    file: 'src/backfill/replay.ts',
    find: `!isSparse || decoded.kind !== 'reject'`,
    replace: `true`,
    caughtBy: { file: replay, test: 'of single messages covers what it holds, and leaves what is a reject again' },
  },
  {
    name: 'number the lines of a file as offsets of a log',
    file: 'src/backfill/origin.ts',
    find: `revision, isLogged: false }`,
    replace: `revision, isLogged: true }`,
    caughtBy: { file: decisions, test: 'of what a file says lie below all that a log says, of the same order' },
  },
  {
    name: 'a revision of its own epoch',
    file: 'src/backfill/origin.ts',
    find: `return { epoch, revision, isLogged: true }`,
    replace: `return { epoch: epoch + revision, revision, isLogged: true }`,
    caughtBy: { file: decisions, test: 'of a revision beat the former self, and nothing newer' },
  },
  {
    name: 'copy copies',
    file: 'src/backfill/copying.ts',
    find: ` || copies.has(runNameOf(run))`,
    replace: ``,
    caughtBy: { file: decisions, test: 'are taken once, from wherever they were first' },
  },
  {
    name: 'copies of two runs under one name',
    file: 'src/backfill/copying.ts',
    find: `  if (run === null) return runFileKey`,
    replace: `  if (run === null || run !== '') return runFileKey`,
    caughtBy: { file: decisions, test: 'never come under one name with two contents' },
  },
  {
    name: 'take a run from a process that lives',
    file: 'src/backfill/holder.ts',
    find: `holder.pid !== me.pid && isAlive(holder.pid)`,
    replace: `false`,
    caughtBy: { file: decisions, test: 'is held by whoever lives, and for as long as was said' },
  },
  {
    name: 'plan that an equal change is applied',
    file: 'src/backfill/effects.ts',
    find: `position <= row ?`,
    replace: `position < row ?`,
    caughtBy: { file: decisions, test: 'a change does to a row what the merge does' },
  },
  {
    name: 'below the floor where one partition runs to the end',
    file: 'src/backfill/floor.ts',
    find: `  return partitions.every(`,
    replace: `  return partitions.some(`,
    caughtBy: { file: decisions, test: 'nothing may come that does not run to the end of what was merged' },
  },
  {
    name: 'read what was given up',
    file: 'src/backfill/log-source.ts',
    find: `    if (last < next || gap.first > range.last) continue\n`,
    replace: `    if (last < next || gap.first > next) continue\n`,
    caughtBy: { file: decisions, test: 'around what was given up are read, and nothing else' },
  },
  {
    name: 'count what a backfill brought again as lost',
    file: 'src/audit/files.ts',
    find: `    if (!others.some(`,
    replace: `    if (others.length >= 0 || !others.some(`,
    caughtBy: { file: judge, test: 'whose rows came again under the name of a run is no loss' },
  },
]
