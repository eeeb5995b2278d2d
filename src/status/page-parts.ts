/**
 * The parts of the status page beside its topics: what is halted or in trouble, latency, the last files, rejects, the warehouse.
 * Pure. Each is there also where it has nothing to tell, so that the page keeps its shape from one look to the next.
 */
import { count, counted, duration, html, type Html, size, time } from './html.ts'
import type { Latency, PageFinding, PageHalt, PageState, PageTrouble } from './page-state.ts'
import { scrolled } from './page-topics.ts'

/** Halts that are told in full; `firn status` tells all. */
const haltsMax = 50

export function troubleSection({ halts, kafkaTrouble, stageTrouble, nowMs }: PageState): Html {
  const troubles = [
    ...(kafkaTrouble ? [troubleItem('Kafka', kafkaTrouble, nowMs)] : []),
    ...(stageTrouble ? [troubleItem('The stage', stageTrouble, nowMs)] : []),
  ]
  const more = halts.length - haltsMax
  const items = [...troubles, ...halts.slice(0, haltsMax).map(haltItem)]
  return html`<section id="halts" aria-labelledby="halts-head">
    <h2 id="halts-head">Halts and trouble</h2>
    ${
      items.length === 0
        ? html`<p>Nothing is halted, and nothing is known against Kafka and the stage.</p>`
        : html`<ul class="cards">
            ${items}
          </ul>`
    }
    ${more > 0 ? html`<p>${count(more)} more halts are told by <code>firn status</code>.</p>` : null}
  </section>`
}

function haltItem({ topic, partition, code, message, hint }: PageHalt): Html {
  return html`<li class="card">
    <h3>${topic}/${partition} is halted: ${code}</h3>
    <p>${sentence(message)}</p>
    ${hinted(code, hint)}
  </li>`
}

function troubleItem(who: string, { code, message, hint, since }: PageTrouble, nowMs: number): Html {
  return html`<li class="card">
    <h3>${who}: ${code}</h3>
    <p>Since ${time(Date.parse(since), nowMs)}: ${sentence(message)} It is tried again until it is over.</p>
    ${hinted(code, hint)}
  </li>`
}

/** Messages are clauses of a log line. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** The command stands last in a hint, as hintOf in failure.ts has it. */
function hinted(code: string, hint: string): Html {
  const [, words = hint, command = null] = /^([^]*?) Run: ([^]+)$/.exec(hint) ?? []
  return html`<p>${words}</p>
    ${command === null ? null : html`<p>Run: <code>${command}</code></p>`}
    <p class="more">Runbook (deploy/RUNBOOK.md): section <strong>${code}</strong></p>`
}

export function latencySection({ topics, warehouse }: PageState): Html {
  const both = (latency: Latency) =>
    html`<td>${duration(latency?.median ?? null)}</td>
      <td>${duration(latency?.high ?? null)}</td>`
  const longest = (seconds: readonly (number | null)[]) => {
    const known = seconds.flatMap((one) => one ?? [])
    return known.length === 0 ? null : Math.max(...known)
  }
  const rows = topics.map(({ topic, latency, partitions }) => {
    const waits = partitions.map((one) => one.waits)
    const steps = warehouse
      ? html`<td>${duration(longest(waits.map(({ loaded }) => loaded)))}</td>
          <td>${duration(longest(waits.flatMap(({ merged }) => merged)))}</td>`
      : null
    return html`<tr>
      <th scope="row" class="label">${topic}</th>
      ${both(latency.staging)}${both(latency.encode)}${both(latency.put)}${steps}
    </tr>`
  })
  const caption = `Of all files since the process started: what half and 95 % of them took at most, estimated.${
    warehouse ? ' Not loaded and not merged: how long the oldest file has waited.' : ''
  }`
  return html`<section id="latency" aria-labelledby="latency-head">
    <h2 id="latency-head">How long each step takes</h2>
    ${scrolled(
      'latency-table',
      caption,
      html`<thead>
          <tr>
            <th scope="col" rowspan="2">Topic</th>
            <th scope="colgroup" colspan="2">Produced to staged</th>
            <th scope="colgroup" colspan="2">of it, encoding</th>
            <th scope="colgroup" colspan="2">of it, putting</th>
            ${
              warehouse
                ? html`<th scope="col" rowspan="2">Staged, not loaded</th>
                    <th scope="col" rowspan="2">Staged, not merged</th>`
                : null
            }
          </tr>
          <tr>
            ${['staging', 'encode', 'put'].map(
              () =>
                html`<th scope="col">half</th>
                  <th scope="col">95 %</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>`,
    )}
  </section>`
}

/** On a narrow screen a name is read part by part. */
function breakable(name: string): readonly Html[] {
  return name.split(/(?<=[/-])|(?=\.parquet$)/).map((part) => html`${part}<wbr />`)
}

export function filesSection({ files, nowMs }: PageState): Html {
  const rows = files.map(({ name, rows, bytes, reason, storedAt, latencyMs }) => {
    const waited = duration(latencyMs === null ? null : latencyMs / 1_000)
    return html`<tr>
      <th scope="row" class="name">${breakable(name)}</th>
      <td>${count(rows)}</td>
      <td>${size(bytes)}</td>
      <td>${time(storedAt, nowMs)}</td>
      <td class="text">${reason}</td>
      <td>${waited}</td>
    </tr> `
  })
  return html`<section id="files" aria-labelledby="files-head">
    <h2 id="files-head">Last files</h2>
    ${
      files.length === 0
        ? html`<p>This process has stored no landing file yet.</p>`
        : scrolled(
            'files-table',
            'The landing files that this process stored last, the newest first',
            html`<thead>
                <tr>
                  <th scope="col" class="text">Name</th>
                  <th scope="col">Rows</th>
                  <th scope="col">Size</th>
                  <th scope="col">Stored</th>
                  <th scope="col" class="text">Sealed by</th>
                  <th scope="col">From its first message</th>
                </tr>
              </thead>
              <tbody>
                ${rows}
              </tbody>`,
          )
    }
  </section>`
}

export function rejectsSection({ rejects }: PageState): Html {
  const rows = rejects.map(
    (one) =>
      html`<tr>
        <th scope="row" class="label">${one.topic}</th>
        <td class="text">${one.code}</td>
        <td>${count(one.count)}</td>
      </tr>`,
  )
  return html`<section id="rejects" aria-labelledby="rejects-head">
    <h2 id="rejects-head">Rejects</h2>
    ${
      rejects.length === 0
        ? html`<p>Every message that this process has staged became a change.</p>`
        : html`${scrolled(
              'rejects-table',
              'Messages staged by this process that could not become changes',
              html`<thead>
                  <tr>
                    <th scope="col">Topic</th>
                    <th scope="col" class="text">Code</th>
                    <th scope="col">Messages</th>
                  </tr>
                </thead>
                <tbody>
                  ${rows}
                </tbody>`,
            )}
            <p>
              They have landed with their bytes: <code>firn rejects list</code> tells those that are open. Runbook
              (deploy/RUNBOOK.md): section <strong>Rejects</strong>
            </p>`
    }
  </section>`
}

export function warehouseSection({ warehouse, nowMs }: PageState): Html {
  return html`<section id="warehouse" aria-labelledby="warehouse-head">
    <h2 id="warehouse-head">Snowflake</h2>
    ${
      warehouse
        ? html`<p>
              ${
                warehouse.askedAt === null
                  ? 'Not everything that is asked of Snowflake has been answered yet.'
                  : html`Last asked in full at ${time(warehouse.askedAt, nowMs)}.`
              }
            </p>
            ${
              warehouse.trouble
                ? html`<ul class="cards">
                    ${warehouseTrouble(warehouse.trouble, nowMs)}
                  </ul>`
                : null
            }
            ${warehouse.askedAt === null && warehouse.findings.length === 0 ? null : findingsPart(warehouse.findings, warehouse.findingsCount)}`
        : html`<p>
            The configuration has no section <code>warehouse</code>, so nobody asks what becomes of the files. Staging
            needs no answer.
          </p>`
    }
  </section>`
}

function warehouseTrouble({ code, message, hint, since }: PageTrouble, nowMs: number): Html {
  return html`<li class="card">
    <h3>${code}</h3>
    <p>Since ${time(Date.parse(since), nowMs)}: ${sentence(message)} Staging goes on.</p>
    ${hinted(code, hint)}
  </li>`
}

function findingsPart(findings: readonly PageFinding[], all: number): Html {
  if (findings.length === 0) return html`<p>The audit has no findings.</p>`
  const items = findings.map(({ code, topic, partition, table, seen, hint }) => {
    const place = [partition === null ? topic : `${topic}/${partition}`, ...(table === null ? [] : [table])].join(' ')
    return html`<li class="card">
      <h3>${place}: ${code}</h3>
      <p>${sentence(seen)}</p>
      ${hinted(code, hint)}
    </li>`
  })
  const more = all - findings.length
  return html`<ul class="cards">
      ${items}
    </ul>
    ${more > 0 ? html`<p>${counted(more, 'more finding')}: <code>firn audit</code></p>` : null}`
}
