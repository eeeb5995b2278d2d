/**
 * HTML that cannot be broken by what it shows: the tag `html` escapes every value that is not HTML itself. And how numbers, times
 * and sizes are written for eyes. What is shown is page.ts's.
 */

/** Made by the tag alone. */
export type Html = { readonly html: string }

type Value = Html | string | number | null | readonly Html[]

export function html(texts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return { html: narrow(texts).reduce((whole, text, at) => `${whole}${printed(values[at - 1] ?? null)}${text}`) }
}

const narrowed = new WeakMap<TemplateStringsArray, readonly string[]>()

/** Without the indentation of the source, which would be half of a page with 1,000 partitions. */
function narrow(texts: TemplateStringsArray): readonly string[] {
  const known = narrowed.get(texts) ?? texts.map((text) => text.replaceAll(/\n\s+/g, '\n'))
  narrowed.set(texts, known)
  return known
}

function printed(value: Value): string {
  if (value === null) return ''
  if (typeof value === 'number') return value.toString()
  if (typeof value === 'string') return escaped(value)
  return 'html' in value ? value.html : value.map((one) => one.html).join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => entities[char] ?? char)
}

/** `1,234,567`; a dash where it is not known. */
export function count(value: number | null): string {
  return value === null ? '–' : value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** `1 partition`, `2 partitions`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Two digits below ten, whole units above; a dash where it is not known. */
export function duration(seconds: number | null): string {
  if (seconds === null) return '–'
  if (seconds < 0.0005) return '0 s'
  if (seconds < 1) return `${Math.round(seconds * 1_000)} ms`
  if (seconds < 120) return `${seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 120) return `${minutes} min`
  const hours = Math.floor(seconds / 3_600)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`
}

/** `1.5 MiB` */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1_024 ** power
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)} ${units[power] ?? ''}`
}

/** UTC, to the second; the day where it is another one than now. */
export function time(ms: number, nowMs: number): Html {
  const iso = new Date(ms).toISOString()
  const day = iso.slice(0, 10) === new Date(nowMs).toISOString().slice(0, 10) ? '' : `${iso.slice(0, 10)} `
  return html`<time datetime="${iso}">${day}${iso.slice(11, 19)} UTC</time>`
}
