/**
 * Whether a process is well, in one sentence and in a few words for the title. Pure; where it is shown is page.ts's.
 */
import { counted } from './html.ts'
import type { PageState } from './page-state.ts'

export type Level = 'good' | 'odd' | 'bad'

export type Verdict = {
  readonly level: Level
  /** such as `2 halted` */
  readonly title: string
  readonly sentence: string
}

/** `bad`: rows do not arrive until somebody acts, or until what is away is back. `odd`: staging goes on. */
type Concern = { readonly level: 'odd' | 'bad'; readonly title: string; readonly text: string }

/** The worst decides the title; the sentence names all. */
export function verdictOf(state: PageState): Verdict {
  const concerns = [...stagingConcerns(state), ...warehouseConcerns(state)]
  const worst = concerns.find((one) => one.level === 'bad') ?? concerns[0]
  if (!worst) return { level: 'good', title: 'ready', sentence: allWell(state) }
  const text = concerns.map((one) => one.text).join('; ')
  return { level: worst.level, title: worst.title, sentence: `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.` }
}

function stagingConcerns(state: PageState): readonly Concern[] {
  const { halts, joined, proved, kafkaTrouble, stageTrouble } = state
  const concerns: Concern[] = []
  if (halts.length > 0) {
    const text = `${counted(halts.length, 'partition is', 'partitions are')} halted and ${halts.length === 1 ? 'waits' : 'wait'} for an operator`
    concerns.push({ level: 'bad', title: `${halts.length} halted`, text })
  }
  if (stageTrouble) {
    concerns.push({ level: 'bad', title: 'stage trouble', text: `nothing can be staged now (${stageTrouble.code})` })
  } else if (!proved) {
    concerns.push({ level: 'odd', title: 'starting', text: 'starting: the stage has not proved itself yet' })
  }
  if (!joined) concerns.push(outsideConcern(state))
  else if (kafkaTrouble) {
    concerns.push({
      level: 'bad',
      title: 'Kafka trouble',
      text: `a part of Kafka cannot be read (${kafkaTrouble.code})`,
    })
  }
  const stalled = state.topics.flatMap(({ partitions }) => partitions.filter(({ isStalled }) => isStalled)).length
  if (stalled > 0) {
    const text = `${counted(stalled, 'partition has', 'partitions have')} messages and ${stalled === 1 ? 'does' : 'do'} not move`
    concerns.push({ level: 'bad', title: `${stalled} stalled`, text })
  }
  return concerns
}

function outsideConcern({ group, proved, kafkaTrouble }: PageState): Concern {
  if (kafkaTrouble) return { level: 'bad', title: 'not reading', text: `nothing is read now (${kafkaTrouble.code})` }
  // Before the stage has proved itself nobody tries to join.
  const text = proved ? `not reading yet: joining the group ${group}` : 'nothing is read yet'
  return { level: 'odd', title: 'joining', text }
}

function warehouseConcerns({ warehouse }: PageState): readonly Concern[] {
  if (!warehouse) return []
  const { trouble, findingsCount } = warehouse
  const concerns: Concern[] = []
  if (trouble) {
    const title = 'warehouse trouble'
    concerns.push({ level: 'odd', title, text: `what became of the files in Snowflake is not known (${trouble.code})` })
  }
  if (findingsCount > 0) {
    const text = `the audit of Snowflake has ${counted(findingsCount, 'finding')}`
    concerns.push({ level: 'odd', title: counted(findingsCount, 'finding'), text })
  }
  return concerns
}

function allWell({ assigned, topics, group, warehouse }: PageState): string {
  if (assigned === 0) return `All is well: a member of the group ${group}, whose other members read every partition.`
  const read = topics.filter(({ partitions }) => partitions.length > 0).length
  const what = `${counted(assigned, 'partition')} of ${counted(read, 'topic')} ${assigned === 1 ? 'is' : 'are'} read and staged`
  const audited = warehouse?.askedAt ? ', and the audit of Snowflake finds nothing' : ''
  return read === 0 ? `All is well: ${counted(assigned, 'partition')} will be read.` : `All is well: ${what}${audited}.`
}
