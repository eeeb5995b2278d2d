/**
 * Random histories of a few rows, as the ingester would land them, and what must come of them: the fold. Of each row the
 * change with the largest position wins, whatever else has arrived, and how often. How they arrive is delivery.ts's.
 */
import { type Op, positionOf } from '../../src/change.ts'
import { canonicalJson } from '../../src/local/exact-json.ts'

/** One landing row; `applies` says whether the merge can apply it. */
export type LandedRow = {
  readonly partition: number
  readonly offset: number
  readonly rowIndex: number
  readonly timestamp: number
  readonly op: Op | 'x'
  readonly id: string | null
  readonly position: string | null
  readonly before: string | null
  readonly after: string | null
  readonly applies: boolean
}

export type TableMode = { readonly deletes: 'hard' | 'soft'; readonly data: 'message' | 'row' }

type Random = () => number

const partitions = 3
/** 2026-01-01 */
const startMs = 1_767_225_600_000

/** Where each partition's next message goes, for all histories of one table. */
export class Log {
  readonly #ends = Array.from({ length: partitions }, () => 0)

  append(partition: number): number {
    const end = this.#ends[partition] ?? 0
    this.#ends[partition] = end + 1
    return end
  }

  /** A position above all so far: nothing that is appended from now on lies below. */
  floor(): string {
    return positionOf({ ...kafkasOwn, offset: BigInt(Math.max(...this.#ends)), partition: 0, rowIndex: 0, revision: 0 })
  }

  /** Makes the floor true. */
  level(): void {
    this.#ends.fill(Math.max(...this.#ends))
  }
}

const kafkasOwn = { isLogged: true, epoch: 1, order: '', rank: 0 } as const

/** What a source does to some rows of its own: changes in order, of one partition. */
export class History {
  readonly #random: Random
  readonly #log: Log
  readonly #ids: readonly string[]
  readonly #partition: number
  /** row as it is at the source */
  readonly #rows = new Map<string, string>()
  #turn = 0

  constructor(name: string, log: Log, random: Random) {
    this.#random = random
    this.#log = log
    this.#partition = Math.floor(random() * partitions)
    this.#ids = Array.from({ length: 1 + Math.floor(random() * 3) }, (_, at) => `${name}/${at}`)
  }

  /** Its next changes: inserts, updates, deletes, changes of key, and between them what no merge can apply. */
  next(count: number): readonly LandedRow[] {
    return Array.from({ length: count }, () => this.#step()).flat()
  }

  #step(): readonly LandedRow[] {
    const id = this.#any(this.#ids)
    const dice = this.#random()
    if (dice < 0.08) return [this.#row({ op: 'x', id: null })]
    if (dice < 0.16) return [this.#row({ op: 'u', id, before: '{"v":', after: this.#json(), applies: false })]
    if (dice < 0.2) return [this.#row({ op: 'd', id, before: 'not json', applies: false })]
    if (dice < 0.24) return [this.#row({ op: 't', id, applies: false })]
    const before = this.#rows.get(id) ?? null
    // A delete of what was never there happens too, and one that names nothing but the key.
    if (dice < 0.45) {
      this.#rows.delete(id)
      return [this.#row({ op: 'd', id, before: this.#random() < 0.2 ? null : before })]
    }
    const other = this.#any(this.#ids)
    if (dice < 0.55 && before !== null && other !== id) return this.#changeKey(id, other, before)
    const after = this.#json()
    this.#rows.set(id, after)
    const op = before !== null ? 'u' : this.#random() < 0.8 ? 'c' : 'r'
    const change = this.#row({ op, id, before, after })
    return this.#random() < 0.15 ? [change, this.#decodedAgain(change)] : [change]
  }

  /** One message, two changes. */
  #changeKey(from: string, to: string, before: string): readonly LandedRow[] {
    const after = this.#json()
    this.#rows.delete(from)
    this.#rows.set(to, after)
    const removal = this.#row({ op: 'd', id: from, before })
    const { offset, timestamp } = removal
    const position = positionOf({
      ...kafkasOwn,
      offset: BigInt(offset),
      partition: this.#partition,
      rowIndex: 1,
      revision: 0,
    })
    return [removal, { ...removal, op: 'u', id: to, rowIndex: 1, after, position, offset, timestamp }]
  }

  /** What a backfill with a higher revision lands of the same message. */
  #decodedAgain(change: LandedRow): LandedRow {
    const revision = 1 + Math.floor(this.#random() * 3)
    const parts = { ...kafkasOwn, offset: BigInt(change.offset), partition: this.#partition, rowIndex: 0, revision }
    return { ...change, position: positionOf(parts), after: this.#json() }
  }

  #row(change: Partial<LandedRow> & Pick<LandedRow, 'op' | 'id'>): LandedRow {
    const offset = this.#log.append(this.#partition)
    const position = positionOf({
      ...kafkasOwn,
      offset: BigInt(offset),
      partition: this.#partition,
      rowIndex: 0,
      revision: 0,
    })
    return {
      partition: this.#partition,
      offset,
      rowIndex: 0,
      timestamp: startMs + offset,
      position: change.op === 'x' ? null : position,
      before: null,
      after: null,
      applies: change.op !== 'x',
      ...change,
    }
  }

  #json(): string {
    this.#turn += 1
    const numbers = ['1', '-0.50', '12345678901234567890123456789012345678', '1e3', 'null', '"é \\ud83d\\ude00"']
    return `{"v":${this.#turn},"n":${this.#any(numbers)},"v":${this.#turn}}`
  }

  #any<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T
  }
}

/** A row of the target as text: id, position, LAST_UPDATED in ms, whether it is deleted, DATA. */
export type TargetRow = readonly [id: string, position: string, updatedMs: number, isDeleted: boolean, data: string]

/** What the target must hold once all rows have arrived and were merged, in the order of ids. */
export function fold(rows: readonly LandedRow[], { deletes, data }: TableMode): readonly TargetRow[] {
  const newest = new Map<string, LandedRow>()
  for (const row of rows) {
    if (!row.applies || row.id === null || row.position === null) continue
    if (row.position > (newest.get(row.id)?.position ?? '')) newest.set(row.id, row)
  }
  return [...newest.values()]
    .filter(({ op }) => deletes === 'soft' || op !== 'd')
    .map((row): TargetRow => {
      const isDeleted = row.op === 'd'
      const text = data === 'row' ? (row.after ?? row.before ?? '{}') : messageOf(row)
      return [row.id ?? '', row.position ?? '', row.timestamp, isDeleted, canonicalJson(text)]
    })
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

function messageOf({ op, before, after }: LandedRow): string {
  const operation = op === 'd' ? 'DELETE' : op === 'u' ? 'UPDATE' : 'INSERT'
  return `{"operation":"${operation}","before":${before ?? 'null'},"after":${after ?? 'null'}}`
}
