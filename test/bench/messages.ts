/**
 * The messages of the benchmarks: change events of an order table, of the plain dialect, of a size that the caller chooses.
 * The same seed gives the same messages.
 */
import { mulberry32 } from '../../src/local/workload.ts'

export type BenchMessage = { readonly key: string; readonly value: string; readonly partition: number }

const words = [
  'parcel',
  'gift',
  'street',
  'Kühlungsborn',
  'left at the door',
  'north',
  'blue',
  'two',
  'heavy',
  'return',
]

/** Below it, an image of the whole row before and after does not fit; such messages are inserts of little. */
const smallBytes = 300

/** About `bytes` bytes of value each. Ids repeat: one in a hundred messages is an insert, one in twenty a delete. */
export function* benchMessages(count: number, partitions: number, bytes = 565): Generator<BenchMessage> {
  const random = mulberry32(1)
  const below = (limit: number): number => Math.floor(random() * limit)
  const note = (length: number): string => {
    let text = ''
    while (text.length < length) text += `${words[below(words.length)]} ${below(1_000)} `
    return text
  }
  const row = (id: number, length: number): string => {
    const amount = `${below(100_000)}.${10 + below(90)}`
    const at = new Date(1_700_000_000_000 + below(1e9)).toISOString()
    return `{"id":${id},"customer":${below(50_000)},"state":"SHIPPED","total":${amount},"at":"${at}","note":"${note(length)}"}`
  }
  const noteBytes = Math.max(4, Math.round((bytes - 270) / 2))
  for (let at = 0; at < count; at++) {
    const id = below(1_000_000)
    if (bytes < smallBytes) {
      const text = note(Math.max(4, bytes - 80)).slice(0, Math.max(4, bytes - 80))
      const value = `{"operation":"INSERT","before":null,"after":{"id":${id},"note":"${text}"}}`
      yield { key: String(id), value, partition: at % partitions }
      continue
    }
    const dice = below(100)
    const before = dice === 0 ? 'null' : row(id, noteBytes)
    const after = dice > 94 ? 'null' : row(id, noteBytes)
    const operation = before === 'null' ? 'INSERT' : after === 'null' ? 'DELETE' : 'UPDATE'
    yield {
      key: String(id),
      value: `{"operation":"${operation}","before":${before},"after":${after}}`,
      partition: at % partitions,
    }
  }
}
