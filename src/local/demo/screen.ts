/**
 * What the demo shows: headings, lines, and one live line that a terminal sees rewritten and a file sees now and then.
 * What to show is the scenarios' business.
 */
import { styleText } from 'node:util'

export interface Screen {
  /** whether somebody watches */
  readonly terminal: boolean
  heading(text: string): void
  line(text?: string): void
  /** Replaces the live line; without a terminal, prints it where it changed and some seconds went by. */
  live(text: string): void
  /** Leaves the live line standing, as it was last given. */
  settle(): void
}

const plainEveryMs = 3_000

export function openScreen(out: NodeJS.WritableStream & { readonly isTTY?: boolean }): Screen {
  const terminal = out.isTTY === true
  let live = ''
  let printed = ''
  let printedAt = 0

  const settle = (): void => {
    if (live === '') return
    if (terminal) out.write('\n')
    else if (live !== printed) out.write(`${live}\n`)
    printed = live
    live = ''
  }
  const line = (text = ''): void => {
    settle()
    out.write(`${text}\n`)
  }
  return {
    terminal,
    settle,
    line,
    heading(text) {
      line()
      line(terminal ? styleText('bold', text) : text)
    },
    live(text) {
      live = text
      if (terminal) {
        out.write(`\r\u001b[K${text}`)
      } else if (text !== printed && Date.now() - printedAt >= plainEveryMs) {
        out.write(`${text}\n`)
        printed = text
        printedAt = Date.now()
      }
    },
  }
}

export const count = (value: number): string => value.toLocaleString('en-US')

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
