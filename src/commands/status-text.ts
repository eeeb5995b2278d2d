/**
 * How watermarks, halts and what a day comes to are told: to people, and as JSON. Offsets are text in JSON, for they may be
 * greater than a number holds.
 */
import { bytesText, countText } from '../backfill/progress.ts'
import type { Failure, FailureCode } from '../failure.ts'
import { creditsText } from '../price.ts'
import type { Forecast } from '../status/forecast.ts'
import type { Watermark } from '../status/watermarks.ts'

/** What does not go on by itself: one partition, or a whole topic (null). */
export type Halt = {
  readonly topic: string
  readonly partition: number | null
  readonly code: FailureCode
  readonly message: string
  readonly hint: string
}

export type TopicForecast = Forecast & { readonly topic: string }

export function tableOf(watermarks: readonly Watermark[], hasWarehouse: boolean): string {
  const offsets = hasWarehouse
    ? (['consumed', 'staged', 'loaded', 'merged', 'end'] as const)
    : (['consumed', 'staged', 'end'] as const)
  const times = hasWarehouse ? (['staged', 'loaded', 'merged'] as const) : (['staged'] as const)
  const nowMs = Date.now()
  // Where a topic goes to several tables, it must be told whose merge it is.
  const isShared = watermarks.some(({ topic, table }) =>
    watermarks.some((one) => one.topic === topic && one.table !== table),
  )
  const rows = watermarks.map((watermark) => [
    watermark.topic,
    watermark.partition.toString(),
    ...(isShared ? [watermark.table] : []),
    ...offsets.map((name) => watermark[name]?.toString() ?? '-'),
    ...times.map((name) => ageOf(watermark.newest[name], nowMs)),
  ])
  const head = ['topic', 'partition', ...(isShared ? ['table'] : []), ...offsets, ...times.map((name) => `${name} ago`)]
  const all = [head, ...rows]
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  ')
  return `${all.map(line).join('\n')}\n`
}

/** Whole seconds, or the two largest units of longer ages. */
function ageOf(ms: number | null, nowMs: number): string {
  if (ms === null) return '-'
  const seconds = Math.max(0, Math.round((nowMs - ms) / 1_000))
  if (seconds < 120) return `${seconds}s`
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3_600)]
  if (minutes < 120) return `${minutes}m${seconds % 60}s`
  return hours < 48 ? `${hours}h${minutes % 60}m` : `${Math.floor(hours / 24)}d${hours % 24}h`
}

export function lineOf({ topic, partition, code, message, hint }: Halt): string {
  const place = partition === null ? topic : `${topic}/${partition}`
  return `\nhalted  ${place}  ${code}: ${message}\n  ${hint}\n`
}

/** Nothing where nothing came. As if messages came evenly: in bursts they make fewer files, for want of memory more. */
export function perDayText(forecasts: readonly TopicForecast[]): string {
  const coming = forecasts.filter(({ messages }) => messages > 0)
  if (coming.length === 0) return ''
  const lines = coming.map(({ topic, messages, files, bytes, credits }) => {
    const size =
      bytes === null || credits === null
        ? 'of unknown size'
        : `${bytesText(bytes)}, ${creditsText(credits)} of Snowpipe`
    return `  ${topic}: ${countText(Math.round(messages))} messages, about ${countText(Math.round(files))} files, ${size}\n`
  })
  return `\nA day like the last hour, its messages spread evenly, comes to, by ingest.freshness and ingest.fileBytes:\n${lines.join('')}`
}

type Shown = {
  readonly watermarks: readonly Watermark[]
  readonly perDay: readonly TopicForecast[]
  readonly halts: readonly Halt[]
  readonly failures: readonly Failure[]
}

export function statusJson({ watermarks, perDay, halts, failures }: Shown): string {
  const reasons = failures.map(({ code, message, hint }) => ({ code, message, hint }))
  return JSON.stringify({ watermarks, perDay, halts, failures: reasons }, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}
