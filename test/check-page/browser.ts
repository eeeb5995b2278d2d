/**
 * A real Chromium, headless, and pages in it that are watched: what they ask for, what the console says, what their policy refuses.
 * What must come of it is decided by who opens one. The only file that imports playwright-core.
 */
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'

export type { Browser, Page }

const program = fileURLToPath(new URL('../../.firn/parts/chromium/bin/chromium', import.meta.url))

export async function startBrowser(): Promise<Browser> {
  return await chromium.launch({ executablePath: program })
}

export type Watched = {
  readonly page: Page
  /** errors and warnings of the console, errors of scripts, refusals of the policy */
  readonly complaints: () => readonly string[]
  /** every URL that was asked for */
  readonly requests: () => readonly string[]
  close(): Promise<void>
}

export type View = { readonly width: number; readonly height: number }

export const wide: View = { width: 1_280, height: 900 }
export const narrow: View = { width: 375, height: 740 }

/** `scripts` false: as a reader sees it who has switched them off. */
export async function openPage(browser: Browser, url: string, scripts = true): Promise<Watched> {
  const context = await browser.newContext({ viewport: wide, javaScriptEnabled: scripts })
  const page = await context.newPage()
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => requests.push(request.url()))
  await page.exposeFunction('tellRefusal', (text: string) => complaints.push(`refused: ${text}`))
  await page.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
    tellRefusal(event.violatedDirective + ' ' + event.blockedURI))`)
  await page.goto(url)
  return {
    page,
    complaints: () => complaints,
    requests: () => requests,
    close: () => context.close(),
  }
}
