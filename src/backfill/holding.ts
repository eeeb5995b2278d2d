/**
 * Who works on a run, as objects on the stage: one word at a time, each an object of its own, and the first to store a number
 * has the say. Whether a word still counts is holder.ts's to decide.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { fixed } from '../change.ts'
import { Failure } from '../failure.ts'
import { runHoldersPrefix } from '../landing.ts'
import type { Stage } from '../stage/stage.ts'
import { type Holder, holdMs, isHeld, type Me, sayAgainMs } from './holder.ts'

export interface Hold {
  /** Aborted where another process has taken the run. */
  readonly lost: AbortSignal
  /** Resolves when others may take the run. */
  release(): Promise<void>
}

export interface Holding {
  /** Who holds it now; null where nobody does. @throws Failure of the stage */
  holder(topic: string, name: string): Promise<Holder | null>
  /** @throws Failure RUN_HELD, and of the stage */
  hold(topic: string, name: string): Promise<Hold>
}

const me: Me = { id: randomUUID(), host: hostname(), pid: process.pid }

type Words = { readonly stage: Stage; readonly folder: string }

export function openHolding(stage: Stage, prefix: string): Holding {
  const wordsOf = (topic: string, name: string): Words => ({ stage, folder: runHoldersPrefix(prefix, topic, name) })
  return {
    holder: async (topic, name) => {
      const { holder } = await lastWord(wordsOf(topic, name))
      return isHeld(holder, me, Date.now(), isAlive) ? holder : null
    },
    hold: async (topic, name) => {
      const words = wordsOf(topic, name)
      const { turn, holder } = await lastWord(words)
      const held = (by: string) => new Failure('RUN_HELD', `the run ${name} of ${topic} is worked on by ${by}`)
      if (isHeld(holder, me, Date.now(), isAlive)) {
        throw held(`process ${holder.pid} on ${holder.host}, until ${holder.until} at least`)
      }
      if (!(await say(words, turn + 1, Date.now() + holdMs))) throw held('another process, since a moment ago')
      return keepSaying(words, turn + 1, held('another process, which took it meanwhile'))
    },
  }
}

function keepSaying(words: Words, first: number, taken: Failure): Hold {
  const lost = new AbortController()
  let turn = first
  let saying: Promise<void> = Promise.resolve()
  const sayAgain = async (untilMs: number): Promise<void> => {
    // A word that cannot be said counts for some time yet; the next one may get through.
    const isSaid = await say(words, turn + 1, untilMs).catch(() => null)
    if (isSaid !== false) {
      if (isSaid === true) turn += 1
      return
    }
    // Its own word may have got through without an answer.
    const last = await lastWord(words).catch(() => null)
    if (last && last.holder?.id !== me.id) lost.abort(taken)
    else if (last) turn = last.turn
  }
  const timer = setInterval(() => {
    saying = saying.then(() => sayAgain(Date.now() + holdMs))
  }, sayAgainMs)
  return {
    lost: lost.signal,
    release: async () => {
      clearInterval(timer)
      await saying
      if (!lost.signal.aborted) await sayAgain(Date.now())
    },
  }
}

/** The newest word, and its number; 0 before the first. */
async function lastWord({ stage, folder }: Words): Promise<{ readonly turn: number; readonly holder: Holder | null }> {
  let last: string | null = null
  for await (const { key } of stage.list(folder)) last = key
  const found = last === null ? null : await stage.get(last)
  if (last === null || !found) return { turn: 0, holder: null }
  const holder = JSON.parse(Buffer.from(found).toString()) as Holder
  return { turn: Number(last.slice(folder.length).replace('.json', '')), holder }
}

/** False where somebody else has that number. */
async function say({ stage, folder }: Words, turn: number, untilMs: number): Promise<boolean> {
  const word: Holder = { ...me, until: new Date(untilMs).toISOString() }
  const outcome = await stage.put(`${folder}${fixed(turn, 10)}.json`, Buffer.from(`${JSON.stringify(word)}\n`), {})
  return outcome !== 'taken'
}

/** A process that may not be signalled lives too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
