/**
 * What is measured of a page in a browser: contrast of every text against what lies behind it, what is wider than the screen, and
 * where the keyboard leads. Which values are good enough is decided here; when they are measured, in check-page-main.ts.
 */
import type { Page } from './browser.ts'

/** WCAG 2.2, 1.4.3, level AA; the page has hardly any text so large that 3 would do. */
const contrastMin = 4.5

type Faint = { readonly ratio: number; readonly text: string }

/** Every text that is shown: its contrast as WCAG reckons it, by the colours that the browser has computed. */
const contrasts = `(() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number)
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((of) => (of / 255 <= 0.04045 ? of / 255 / 12.92 : ((of / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(at).backgroundColor)
      if (alpha === 1) return [r, g, b]
      if (alpha > 0) throw new Error('half transparent: ' + at.outerHTML.slice(0, 80))
    }
    throw new Error('no background')
  }
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const { parentElement: element, data } = walker.currentNode
    if (data.trim() === '' || element.getClientRects().length === 0 || element.closest('script, style')) continue
    const [light, dark] = [luminance(numbers(getComputedStyle(element).color)), luminance(behind(element))].sort((a, b) => b - a)
    found.push({ ratio: (light + 0.05) / (dark + 0.05), text: data.trim().slice(0, 60) })
  }
  return found
})()`

/** The least contrast and of how many texts. @throws Error naming those that are too faint */
export async function judgeContrast(page: Page): Promise<{ readonly least: number; readonly texts: number }> {
  const found: readonly Faint[] = await page.evaluate(contrasts)
  const faint = found.filter(({ ratio }) => ratio < contrastMin)
  if (found.length < 50) throw new Error(`only ${found.length} texts were found`)
  if (faint.length > 0) {
    throw new Error(`too faint: ${faint.map(({ ratio, text }) => `${ratio.toFixed(2)} "${text}"`).join(', ')}`)
  }
  return { least: Math.min(...found.map(({ ratio }) => ratio)), texts: found.length }
}

/** What sticks out on the right, but for what scrolls by itself. */
const tooWide = `(() => {
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth <= width) return []
  return [...document.querySelectorAll('body *')]
    .filter((one) => !one.parentElement.closest('.scroll') && one.getBoundingClientRect().right > width)
    .map((one) => one.outerHTML.slice(0, 80))
})()`

/** @throws Error where the page scrolls sideways */
export async function judgeWidth(page: Page): Promise<void> {
  const wide: readonly string[] = await page.evaluate(tooWide)
  const scrolls: boolean = await page.evaluate(
    'document.documentElement.scrollWidth > document.documentElement.clientWidth',
  )
  if (scrolls) throw new Error(`wider than the screen: ${wide.join('\n')}`)
}

const focused = `(() => {
  const all = [...document.querySelectorAll('a[href], summary, [tabindex="0"]')].filter((one) => one.checkVisibility())
  const one = document.activeElement
  return { at: all.indexOf(one), count: all.length, outline: getComputedStyle(one).outlineStyle,
    what: one.tagName.toLowerCase() + ' ' + (one.getAttribute('aria-labelledby') ?? one.textContent).slice(0, 30) }
})()`

type Focused = { readonly at: number; readonly count: number; readonly outline: string; readonly what: string }

/** Walks by Tab from the top; each stop is what comes next on the page, and is seen. @throws Error where it is not */
export async function walkByTab(page: Page): Promise<readonly string[]> {
  // What had the focus last is where Tab goes on, also after it lost it.
  await page.evaluate(`(() => { const top = document.querySelector('h1'); top.tabIndex = -1; top.focus() })()`)
  const walked: string[] = []
  for (;;) {
    await page.keyboard.press('Tab')
    const { at, count, outline, what }: Focused = await page.evaluate(focused)
    if (at !== walked.length) throw new Error(`Tab leads to ${what} (${at} of ${count}) after ${walked.join(', ')}`)
    if (outline === 'none') throw new Error(`nobody sees that ${what} has the focus`)
    walked.push(what)
    if (walked.length === count) return walked
  }
}
