/**
 * Bars of a benchmark as SVG, readable on light and dark pages. What is compared is the caller's.
 */

export type Chart = {
  readonly title: string
  readonly unit: string
  readonly bars: readonly { readonly name: string; readonly value: number }[]
}

const barHeight = 22
const rowHeight = 30
const nameWidth = 90
const barsWidth = 420
const width = nameWidth + barsWidth + 150

/** Each chart has a scale of its own, from 0. */
export function svgOf(charts: readonly Chart[], caption: string): string {
  let y = 8
  const parts = charts.map(({ title, unit, bars }) => {
    const largest = Math.max(...bars.map(({ value }) => value))
    const head = `<text x="8" y="${y + 16}" class="title">${escaped(title)}</text>`
    y += 26
    const rows = bars.map(({ name, value }) => {
      const length = largest > 0 ? (value / largest) * barsWidth : 0
      const at = y
      y += rowHeight
      const middle = at + barHeight / 2 + 5
      return [
        `<text x="${nameWidth - 8}" y="${middle}" text-anchor="end">${escaped(name)}</text>`,
        `<rect x="${nameWidth}" y="${at}" width="${length.toFixed(1)}" height="${barHeight}" class="${escaped(name)}"/>`,
        `<text x="${(nameWidth + length + 8).toFixed(1)}" y="${middle}">${numberText(value)} ${escaped(unit)}</text>`,
      ].join('')
    })
    y += 12
    return [head, ...rows].join('\n')
  })
  y += 18
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" role="img">
<style>
text { font: 13px sans-serif; fill: #24292f } .title { font-weight: bold } rect { fill: #8c959f } rect.firn { fill: #0969da }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } rect { fill: #6e7681 } rect.firn { fill: #4493f8 } }
</style>
${parts.join('\n')}
<text x="8" y="${y - 8}">${escaped(caption)}</text>
</svg>
`
}

function numberText(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1)
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`)
}
