/** `make outage SECONDS=600`. Ends with 1 where memory leaves its bounds, or the auditor finds something. */
import { mib, residentGrowthMax, runOutage } from './outage.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const seconds = Number(process.env['SECONDS'] ?? 600)
const memoryMiB = 64
say(`the store is away for ${seconds} s, 3,000 messages a second, ingest.memory ${memoryMiB} MiB`)
const { report, bufferedMax, residentFull, residentMax, caughtUpMs } = await runOutage({
  seconds,
  messagesPerSecond: 3_000,
  memoryMiB,
  say,
})
say(`buffered at most ${mib(bufferedMax)}; resident ${mib(residentFull)} when full, at most ${mib(residentMax)} after`)
say(`caught up ${(caughtUpMs / 1_000).toFixed(1)} s after the store was back`)
say(`${report.messages} messages, ${report.rows} rows in ${report.files} files: nothing missing`)
const isWithin = bufferedMax <= memoryMiB * 2 ** 20 && residentMax <= residentFull * residentGrowthMax
if (!isWithin) say('memory left its bounds')
process.exit(isWithin ? 0 : 1)
