/**
 * A source to demonstrate and test with: plays an operational table, writes each of its changes as a message of the plain
 * dialect, and remembers what the table holds. Repeatable by its seed. Sending the messages is the caller's.
 */

/** One message: the key as text, and the value as it is to be sent. */
export type SourceMessage = { readonly key: string; readonly value: string }

export type SourceTable = 'customers' | 'orders'

export interface Source {
  /** The next random change: an insert (or re-insert), update or delete of one of the `keys` ids. */
  next(): SourceMessage
  /** A change of one's own choosing. @throws RangeError where the row is (not) there */
  change(operation: 'INSERT' | 'UPDATE' | 'DELETE', id: number): SourceMessage
  /** id → value of its newest message, for each row that the table holds now */
  rows(): ReadonlyMap<string, string>
}

export function openSource(options: {
  readonly table: SourceTable
  readonly keys: number
  readonly seed: number
}): Source {
  const random = mulberry32(options.seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const writeRow = options.table === 'customers' ? customerRow : orderRow
  const current = new Map<string, { readonly row: string; readonly value: string }>()

  const change: Source['change'] = (operation, id) => {
    const key = String(id)
    const before = current.get(key)?.row ?? null
    if ((before === null) !== (operation === 'INSERT')) {
      throw new RangeError(
        `${operation} of ${options.table} ${key}: the row is ${before === null ? 'not' : 'already'} there`,
      )
    }
    const after = operation === 'DELETE' ? null : writeRow(id, below)
    const value = `{"operation":"${operation}","before":${before ?? 'null'},"after":${after ?? 'null'}}`
    if (after === null) current.delete(key)
    else current.set(key, { row: after, value })
    return { key, value }
  }

  return {
    change,
    next() {
      const id = 1 + below(options.keys)
      if (!current.has(String(id))) return change('INSERT', id)
      return change(below(5) === 0 ? 'DELETE' : 'UPDATE', id)
    },
    rows: () => new Map([...current].map(([key, { value }]) => [key, value])),
  }
}

type Below = (limit: number) => number

const digits = (below: Below, count: number): string =>
  String(1 + below(9)) + Array.from({ length: count - 1 }, () => String(below(10))).join('')

/** Written as text: JSON.stringify would round the numbers that matter here. */
function customerRow(id: number, below: Below): string {
  const names = ['Zoë', 'Łucja', '😀 Grin', 'O\\u0027Neill', '\\ud83d\\ude00', 'tab\\there', '\\"quoted\\"', '北京']
  const name = names[below(names.length)] ?? ''
  const balance = `${below(2) ? '-' : ''}${digits(below, 34)}.${digits(below, 4)}`
  const visits = (9007199254740993n + BigInt(below(1_000_000))).toString()
  const address = below(4) === 0 ? 'null' : `{"street":null,"city":"Ku\u0308hlungsborn","tags":["a",null,{"x":null}]}`
  return `{"id":${id},"name":"${name}","balance":${balance},"visits":${visits},"active":${String(below(2) === 0)},"address":${address}}`
}

function orderRow(id: number, below: Below): string {
  const lines = Array.from(
    { length: 1 + below(3) },
    (_, line) => `{"line":${line},"sku":"SKU-${below(999)}","price":${below(500)}.${digits(below, 2)}}`,
  )
  const total = digits(below, 30)
  return `{"id":${id},"customer":${below(1000)},"total":${total},"note":${below(3) ? 'null' : '"gift \\ud83c\\udf81"'},"lines":[${lines.join(',')}]}`
}

/** A small seeded generator (Tommy Ettinger's mulberry32): uniform in [0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
