/**
 * The status page as a whole: a pure function from what a process knows of itself to one HTML document that needs nothing else.
 * Its parts are page-parts.ts and page-topics.ts; what is known is gathered in commands/run-page.ts.
 */
import { createHash } from 'node:crypto'
import { html, type Html, size, time } from './html.ts'
import { filesSection, latencySection, rejectsSection, troubleSection, warehouseSection } from './page-parts.ts'
import { pageScript, updateMs } from './page-script.ts'
import type { PageState } from './page-state.ts'
import { pageStyle } from './page-style.ts'
import { topicsSection } from './page-topics.ts'
import { type Level, verdictOf } from './verdict.ts'

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Nothing is loaded from elsewhere, and nothing runs that does not stand in this very page. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    `script-src ${hashOf(pageScript)}`,
    `style-src ${hashOf(pageStyle)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

const colours: Readonly<Record<Level, string>> = { good: '#1a7f3c', odd: '#b7791f', bad: '#c0182f' }

/** To the letter, as the headers name them by their hashes. */
const style: Html = { html: `<style>${pageStyle}</style>` }
const script: Html = { html: `<script>${pageScript}</script>` }

export function renderPage(state: PageState): string {
  const { level, title, sentence } = verdictOf(state)
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colours[level]}"/></svg>`
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Firn</title>
        <link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon)}" />
        ${style}
        <noscript><meta http-equiv="refresh" content="${updateMs / 1_000}" /></noscript>
      </head>
      <body>
        <header>
          <h1>Firn</h1>
          <nav aria-label="Parts of this page">
            <ul>
              ${links}
            </ul>
          </nav>
        </header>
        <main id="page">
          <p id="verdict" class="${level}" role="status" aria-live="polite">${sentence}</p>
          ${factsPart(state)} ${troubleSection(state)} ${topicsSection(state)} ${latencySection(state)}
          ${filesSection(state)} ${rejectsSection(state)} ${warehouseSection(state)}
        </main>
        <footer>
          What this one process knows; it updates itself. All processes: <code>firn status</code>. For machines:
          <a href="metrics">/metrics</a>, <a href="readyz">/readyz</a>, <a href="healthz">/healthz</a>.
        </footer>
        ${script}
      </body>
    </html> `
  return page.html
}

const links: readonly Html[] = [
  ['halts', 'Halts'],
  ['topics', 'Topics'],
  ['latency', 'Latency'],
  ['files', 'Files'],
  ['rejects', 'Rejects'],
  ['warehouse', 'Snowflake'],
].map(([id = '', name = '']) => html`<li><a href="#${id}">${name}</a></li>`)

function factsPart({ nowMs, group, stage, joined, assigned, memory }: PageState): Html {
  const { used, budget } = memory
  const percent = budget === 0 ? 0 : Math.round((100 * used) / budget)
  return html`<dl>
    <div>
      <dt>Group</dt>
      <dd>${group}${joined ? null : ' (not a member now)'}</dd>
    </div>
    <div>
      <dt>Stage</dt>
      <dd>${stage}</dd>
    </div>
    <div>
      <dt>Partitions read here</dt>
      <dd>${assigned}</dd>
    </div>
    <div>
      <dt id="memory">Memory for what is buffered and in flight</dt>
      <dd>
        ${size(used)} of ${size(budget)}, ${percent} %<meter
          aria-labelledby="memory"
          min="0"
          max="${budget}"
          high="${Math.round(budget * 0.9)}"
          value="${used}"
        ></meter>
      </dd>
    </div>
    <div>
      <dt>As of</dt>
      <dd id="as-of">${time(nowMs, nowMs)}</dd>
    </div>
  </dl>`
}
