/**
 * How far a long piece of work has come, as one line: done of all, the rate, and the time that is left.
 */

export class Progress {
  readonly #unit: string
  readonly #total: number
  readonly #startedMs: number
  readonly #before: number
  #done: number
  #files = 0

  /** `done` was done before; the rate counts from now. */
  constructor(unit: string, total: number, done: number, nowMs: number) {
    this.#unit = unit
    this.#total = total
    this.#done = done
    this.#before = done
    this.#startedMs = nowMs
  }

  get done(): number {
    return this.#done
  }

  advance(units: number): void {
    this.#done += units
  }

  storedFile(): void {
    this.#files += 1
  }

  /** Since the start, a second; 0 before anything is done. */
  rate(nowMs: number): number {
    const seconds = (nowMs - this.#startedMs) / 1000
    return seconds > 0 ? (this.#done - this.#before) / seconds : 0
  }

  text(nowMs: number): string {
    const rate = this.rate(nowMs)
    const share = this.#total === 0 ? 1 : Math.min(1, this.#done / this.#total)
    const left = rate > 0 ? `, ${timeText((this.#total - this.#done) / rate)} left` : ''
    const files = this.#files > 0 ? `, ${ofMany(this.#files, 'file')}` : ''
    const counts = `${countText(this.#done)} of ${countText(this.#total)} ${this.#unit}`
    return `${bar(share)} ${String(Math.floor(share * 100)).padStart(3)} %  ${counts}, ${countText(Math.round(rate))}/s${left}${files}`
  }
}

const barWidth = 24

function bar(share: number): string {
  const full = Math.round(share * barWidth)
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}]`
}

export function countText(value: number | bigint): string {
  return value.toLocaleString('en-US')
}

/** `1 file`, `2,000 files` */
export function ofMany(count: number, one: string): string {
  return `${countText(count)} ${one}${count === 1 ? '' : 's'}`
}

export function timeText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 120) return `${whole} s`
  const minutes = Math.round(whole / 60)
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`
}

/** As Snowflake bills: a GB is 10^9 bytes. */
export function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`
}
