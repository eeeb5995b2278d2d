/**
 * The topics on the status page: how far each has come by its watermarks, and each of its partitions. Pure. What comes first is
 * partition-order.ts's, the page around it page.ts's.
 */
import { count, counted, duration, html, type Html } from './html.ts'
import type { PageState, PartitionState, TopicState } from './page-state.ts'
import { inOrder, longestWait, standingOf } from './partition-order.ts'

export function topicsSection({ topics, warehouse }: PageState): Html {
  return html`<section id="topics" aria-labelledby="topics-head">
    <h2 id="topics-head">Topics and tables</h2>
    ${topics.map((topic, at) => topicArticle(topic, `topic-${at}`, warehouse !== null))}
  </section>`
}

function topicArticle(topic: TopicState, id: string, isLoaded: boolean): Html {
  const { partitions, tables } = topic
  const { shown, rest } = inOrder(partitions)
  return html`<article id="${id}" aria-labelledby="${id}-head">
    <h3 id="${id}-head">${topic.topic}</h3>
    <p>
      ${tables.length === 1 ? 'Table' : 'Tables'} ${tables.join(', ')};
      ${
        partitions.length === 0
          ? 'none of its partitions is read here.'
          : `${counted(partitions.length, 'partition')} read here.`
      }
    </p>
    ${partitions.length === 0 ? null : summaryTable(topic, id, isLoaded)}
    ${partitions.length === 0 ? null : partitionTable(topic, shown, `${id}-first`, rest.length === 0 ? 'Each partition' : `The ${shown.length} partitions that come first: halted, stalled, longest under way`, isLoaded)}
    ${
      rest.length === 0
        ? null
        : html`<details id="${id}-rest">
            <summary>${counted(rest.length, 'more partition')}, ${restStanding(rest)}</summary>
            ${partitionTable(topic, rest, `${id}-more`, 'The other partitions', isLoaded)}
          </details>`
    }
  </article>`
}

function restStanding(rest: readonly PartitionState[]): string {
  const underway = rest.filter((one) => standingOf(one) !== 'up to date').length
  return underway === 0 ? 'all of them up to date' : `${count(underway)} of them not up to date`
}

type Mark = {
  readonly name: string
  readonly offset: (one: PartitionState) => number | null
  readonly wait: (one: PartitionState) => number | null
}

function marksOf({ tables }: TopicState, isLoaded: boolean): readonly Mark[] {
  const staging: readonly Mark[] = [
    { name: 'Consumed', offset: ({ consumed }) => consumed, wait: () => null },
    { name: 'Staged', offset: ({ staged }) => staged, wait: ({ waits }) => waits.staged },
  ]
  if (!isLoaded) return staging
  const merged = tables.map((table, at): Mark => {
    const name = tables.length === 1 ? 'Merged' : `Merged into ${table}`
    return { name, offset: (one) => one.merged[at] ?? null, wait: ({ waits }) => waits.merged[at] ?? null }
  })
  return [...staging, { name: 'Loaded', offset: ({ loaded }) => loaded, wait: ({ waits }) => waits.loaded }, ...merged]
}

/** Of those that are known; how many are not is said too, or it would seem to be all. */
function sumOf(partitions: readonly PartitionState[], of: (one: PartitionState) => number | null): string {
  const known = partitions.flatMap((one) => of(one) ?? [])
  if (known.length === 0) return count(null)
  const sum = count(known.reduce((so, value) => so + value, 0))
  return known.length === partitions.length ? sum : `${sum}, ${partitions.length - known.length} unknown`
}

function longestOf(partitions: readonly PartitionState[], of: (one: PartitionState) => number | null): number | null {
  const known = partitions.flatMap((one) => of(one) ?? [])
  return known.length === 0 ? null : Math.max(...known)
}

/** The end is measured every ten seconds, the rest as it goes. */
function behindOf(one: PartitionState, { offset }: Mark): number | null {
  const at = offset(one)
  return one.end === null || at === null ? null : Math.max(0, one.end - at)
}

function summaryTable(topic: TopicState, id: string, isLoaded: boolean): Html {
  const { partitions } = topic
  const rows = marksOf(topic, isLoaded).map((mark) => {
    const [furthest] = partitions
      .map((one) => ({ partition: one.partition, behind: behindOf(one, mark) ?? 0 }))
      .toSorted((a, b) => b.behind - a.behind)
    const least = furthest && furthest.behind > 0 ? `${furthest.partition}, by ${count(furthest.behind)}` : '–'
    return html`<tr>
      <th scope="row" class="label">${mark.name}</th>
      <td>${sumOf(partitions, mark.offset)}</td>
      <td>${sumOf(partitions, (one) => behindOf(one, mark))}</td>
      <td>${least}</td>
      <td>${duration(longestOf(partitions, mark.wait))}</td>
    </tr>`
  })
  return scrolled(
    `${id}-sum`,
    'All partitions read here',
    html`<thead>
        <tr>
          <th scope="col">Watermark</th>
          <th scope="col">Sum of offsets</th>
          <th scope="col">Messages to the end</th>
          <th scope="col">Furthest behind</th>
          <th scope="col">Oldest waits</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
        <tr>
          <th scope="row" class="label">End of the log</th>
          <td>${sumOf(partitions, ({ end }) => end)}</td>
          <td></td>
          <td></td>
          <td></td>
        </tr>
      </tbody>`,
  )
}

function partitionTable(
  topic: TopicState,
  partitions: readonly PartitionState[],
  id: string,
  caption: string,
  isLoaded: boolean,
): Html {
  const marks = marksOf(topic, isLoaded)
  const head = marks.map(({ name }) => html`<th scope="col">${name}</th>`)
  return scrolled(
    id,
    caption,
    html`<thead>
        <tr>
          <th scope="col">Partition</th>
          <th scope="col" class="text">State</th>
          ${head}
          <th scope="col">End</th>
          <th scope="col">Lag, messages</th>
          <th scope="col">Oldest waits</th>
        </tr>
      </thead>
      <tbody>
        ${partitions.map((one) => partitionRow(one, marks))}
      </tbody>`,
  )
}

function partitionRow(one: PartitionState, marks: readonly Mark[]): Html {
  const standing = standingOf(one)
  const text = one.halt === null ? standing : `halted: ${one.halt}`
  const offsets = marks.map(({ offset }) => html`<td>${offset(one) ?? '–'}</td>`)
  const wait = duration(longestWait(one.waits))
  return html`<tr>
    <th scope="row">${one.partition}</th>
    <td class="text ${standing.split(' ')[0] ?? ''}">${text}</td>
    ${offsets}
    <td>${one.end ?? '–'}</td>
    <td>${count(one.lagMessages)}</td>
    <td>${wait}</td>
  </tr> `
}

/** A table that is wider than the page scrolls by itself, by keyboard too; its caption stays where it can be read. */
export function scrolled(id: string, caption: string, inside: Html): Html {
  return html`<div class="scroll" role="region" tabindex="0" aria-labelledby="${id}">
    <table>
      <caption id="${id}">
        <span>${caption}</span>
      </caption>
      ${inside}
    </table>
  </div>`
}
