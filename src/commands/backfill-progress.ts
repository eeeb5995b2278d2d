/**
 * Shows how far a backfill has come: one line that is written over where somebody watches, a log line now and then where
 * nobody does.
 */
import type { Progress } from '../backfill/progress.ts'
import type { Logger } from '../telemetry.ts'
import type { Io } from './command.ts'

const liveMs = 250
const loggedMs = 10_000

export type Shown = { end(): void }

/** `what` stands before the figures. */
export function show(io: Pick<Io, 'stderr'>, logger: Logger, what: string, text: () => string): Shown {
  const { stderr } = io
  const isLive = stderr.isTTY === true
  const tell = (): void => {
    if (isLive) stderr.write(`\r\u001b[K${what} ${text()}`)
    else logger.info(`${what} ${text()}`)
  }
  const timer = setInterval(tell, isLive ? liveMs : loggedMs)
  return {
    end: () => {
      clearInterval(timer)
      if (isLive) stderr.write(`\r\u001b[K${what} ${text()}\n`)
      else logger.info(`${what} ${text()}`)
    },
  }
}

export function textOf(progress: Progress): () => string {
  return () => progress.text(Date.now())
}
