/**
 * The small worlds that are explored, each wholly within its bounds. `wide` ones take minutes and are a command of their own.
 */
import type { Budget, Kind, Scenario } from './world.ts'

const nothing: Budget = {
  crashes: 0,
  rebalances: 1,
  lostAnswers: 0,
  stalePositions: 0,
  recreations: 0,
  lostGroups: 0,
  foreignCommits: 0,
}

/** `mhm`: a message, an offset without one, a message. */
function kinds(text: string): readonly Kind[] {
  return Array.from(text, (kind) => (kind === 'm' ? 'm' : 'h'))
}

function scenario(name: string, logs: string, budget: Partial<Budget>, more: Partial<Scenario> = {}): Scenario {
  const [first = '', second = 'mm'] = logs.split('/')
  return { name, logs: [kinds(first), kinds(second)], budget: { ...nothing, ...budget }, ...more }
}

const removed = { staged: [0n, 2n].map((offset) => ({ first: offset, last: offset })) }

export const scenarios: readonly Scenario[] = [
  scenario('two members take the partition from each other three times', 'mhm', { rebalances: 3 }),
  scenario('a member dies, and answers of the store and of the group are lost', 'mhm', {
    rebalances: 2,
    crashes: 1,
    lostAnswers: 1,
  }),
  scenario('the client hands over a batch from elsewhere', 'mhm', { rebalances: 2, stalePositions: 1 }),
  scenario('the log ends in markers', 'mhmh', { rebalances: 2, crashes: 1 }),
  scenario('the topic is created again, as long', 'mm/mm', { rebalances: 2, crashes: 1, recreations: 1 }),
  scenario('the topic is created again, longer', 'mm/mhm', { rebalances: 2, recreations: 1 }),
  scenario('the topic is created again, shorter, and the group is lost', 'mm/m', {
    rebalances: 2,
    recreations: 1,
    lostGroups: 1,
  }),
  scenario('the topic holds markers alone, and is created again', 'hh/mmm', {
    rebalances: 2,
    crashes: 1,
    recreations: 1,
  }),
  scenario("the group's offsets are lost, or set forward", 'mhm', { rebalances: 2, lostGroups: 1, foreignCommits: 1 }),
  scenario(
    'a landing file was removed by hand, and the group is lost',
    'mmm',
    { rebalances: 2, crashes: 1, lostGroups: 1 },
    removed,
  ),
]

export const wide: readonly Scenario[] = [
  scenario('three generations, and a death', 'mhm', { rebalances: 3, crashes: 1 }),
  scenario('two deaths, and two lost answers', 'mhm', { rebalances: 2, crashes: 2, lostAnswers: 2 }),
  scenario('a death, and batches from elsewhere', 'mhm', { rebalances: 2, crashes: 1, stalePositions: 1 }),
  scenario('the topic is created again, longer, and a member dies', 'mmm/mmmm', {
    rebalances: 2,
    recreations: 1,
    crashes: 1,
  }),
  scenario('the topic is created again, and an answer is lost', 'mhm/mhm', {
    rebalances: 2,
    recreations: 1,
    lostAnswers: 1,
  }),
  scenario('a death, a lost group and a foreign commit', 'mhm', {
    rebalances: 2,
    crashes: 1,
    lostGroups: 1,
    foreignCommits: 1,
  }),
]
