/**
 * `USING CRON <minute> <hour> <day of month> <month> <day of week> <zone>`: which minutes it names, and the next of them.
 * A minute that the clocks of the zone leave out is left out here too.
 */

export type Cron = {
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly months: readonly number[]
  /** null: any, so that the other of the two decides alone */
  readonly daysOfMonth: readonly number[] | null
  readonly lastDayOfMonth: boolean
  readonly daysOfWeek: readonly number[] | null
  /** the last such day of a month */
  readonly lastDaysOfWeek: readonly number[]
  readonly zone: string
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const dayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const dayMs = 24 * 3600 * 1000
/** A 29th of February that is a certain day of the week comes at most 40 years later. */
const daysMax = 41 * 366

type Range = { readonly from: number; readonly to: number; readonly names?: readonly string[] }

/** Null where it is no such expression. */
export function parseCron(text: string): Cron | null {
  const fields = text.trim().split(/\s+/)
  const [minute = '', hour = '', dayOfMonth = '', month = '', dayOfWeek = '', zone = ''] = fields
  if (fields.length !== 6 || !isZone(zone)) return null
  const minutes = numbers(minute, { from: 0, to: 59 })
  const hours = numbers(hour, { from: 0, to: 23 })
  const months = numbers(month, { from: 1, to: 12, names: monthNames })
  const monthDays = splitLast(dayOfMonth, (part) => (part === 'L' ? 0 : null), { from: 1, to: 31 })
  const week = { from: 0, to: 6, names: dayNames }
  const weekDays = splitLast(dayOfWeek, (part) => lastWeekday(part, week), week)
  if (!minutes || !hours || !months || !monthDays || !weekDays) return null
  return {
    minutes,
    hours,
    months,
    daysOfMonth: dayOfMonth === '*' ? null : monthDays.plain,
    lastDayOfMonth: monthDays.last.length > 0,
    daysOfWeek: dayOfWeek === '*' ? null : weekDays.plain,
    lastDaysOfWeek: weekDays.last,
    zone,
  }
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: zone })
    return zone !== ''
  } catch {
    // Intl has no other way to tell.
    return false
  }
}

function lastWeekday(part: string, range: Range): number | null {
  if (!part.endsWith('L') || part.length < 2) return null
  return numbers(part.slice(0, -1), range)?.[0] ?? null
}

type Days = { readonly plain: readonly number[]; readonly last: readonly number[] }

function splitLast(field: string, last: (part: string) => number | null, range: Range): Days | null {
  const plain: number[] = []
  const found: number[] = []
  for (const part of field.toUpperCase().split(',')) {
    const lastDay = last(part)
    const values = lastDay === null ? numbers(part, range) : []
    if (!values) return null
    plain.push(...values)
    if (lastDay !== null) found.push(lastDay)
  }
  return { plain, last: found }
}

function numbers(field: string, range: Range): readonly number[] | null {
  const found = new Set<number>()
  for (const part of field.toUpperCase().split(',')) {
    const [, body = '', step = '1'] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? []
    const [low = '', high = low] = body === '*' ? [String(range.from), String(range.to)] : body.split('-')
    const from = value(low, range)
    const to = body.includes('-') || body === '*' || !part.includes('/') ? value(high, range) : range.to
    if (from === null || to === null || from > to || Number(step) < 1 || body.split('-').length > 2) return null
    for (let each = from; each <= to; each += Number(step)) found.add(each)
  }
  return [...found].sort((a, b) => a - b)
}

function value(text: string, { from, to, names = [] }: Range): number | null {
  const named = names.indexOf(text)
  const number = named >= 0 ? named + from : /^\d+$/.test(text) ? Number(text) : -1
  return number >= from && number <= to ? number : null
}

/**
 * The next minute that the expression names; null where there is none, as with a 31st of February.
 *
 * Invariant: later than now, and a whole minute.
 */
export function nextCronMs(cron: Cron, nowMs: number): number | null {
  const today = Math.floor((nowMs + offsetMs(cron.zone, nowMs)) / dayMs) * dayMs
  for (let day = 0; day < daysMax; day += 1) {
    const startMs = today + day * dayMs
    if (!isDay(cron, new Date(startMs))) continue
    for (const hour of cron.hours) {
      for (const minute of cron.minutes) {
        const atMs = instantOf(cron.zone, startMs + (hour * 60 + minute) * 60_000)
        if (atMs !== null && atMs > nowMs) return atMs
      }
    }
  }
  return null
}

/** Where both a day of the month and one of the week are named, either will do. */
function isDay(cron: Cron, local: Date): boolean {
  const { daysOfMonth, daysOfWeek } = cron
  if (!cron.months.includes(local.getUTCMonth() + 1)) return false
  const later = (days: number): number => new Date(local.getTime() + days * dayMs).getUTCMonth()
  const weekday = local.getUTCDay()
  const inMonth =
    daysOfMonth?.includes(local.getUTCDate()) === true || (cron.lastDayOfMonth && later(1) !== local.getUTCMonth())
  const inWeek =
    daysOfWeek?.includes(weekday) === true ||
    (cron.lastDaysOfWeek.includes(weekday) && later(7) !== local.getUTCMonth())
  if (daysOfMonth && daysOfWeek) return inMonth || inWeek
  return (!daysOfMonth || inMonth) && (!daysOfWeek || inWeek)
}

/** The instant at which the zone's clocks show this time, written as if it were UTC; null where they never do. */
function instantOf(zone: string, localMs: number): number | null {
  for (const offset of [offsetMs(zone, localMs - dayMs), offsetMs(zone, localMs + dayMs)]) {
    const atMs = localMs - offset
    if (offsetMs(zone, atMs) === offset) return atMs
  }
  return null
}

/** How far the zone's clocks are ahead of UTC. */
function offsetMs(zone: string, atMs: number): number {
  if (zone === 'UTC') return 0
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  const parts = new Map(format.formatToParts(atMs).map(({ type, value: text }) => [type, Number(text)]))
  const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return shown - Math.floor(atMs / 1000) * 1000
}
