/**
 * How the rows of some histories arrive: in files that are cut anywhere, overlap, come in any order, and more than once.
 */
import type { LandedRow } from './history.ts'

export type File = { readonly name: string; readonly rows: readonly LandedRow[] }

type Random = () => number

/**
 * Files in the order in which they land. Every row is in one at least; a name has one content, and may come twice.
 *
 * @param histories rows of one history each, in the order of their offsets
 */
export function deliver(histories: readonly (readonly LandedRow[])[], prefix: string, random: Random): readonly File[] {
  const pieces = histories.flatMap((rows) => piecesOf(rows, random))
  // A file holds pieces of several histories.
  const contents: LandedRow[][] = []
  for (const piece of shuffled(pieces, random)) {
    const at = Math.floor(random() * (contents.length + 1))
    const content = contents[at]
    if (content && content.length < 8) content.push(...piece)
    else contents.push([...piece])
  }
  const files = contents.map((rows, at) => ({ name: `${prefix}-${at}`, rows }))
  const again = files.filter(() => random() < 0.15)
  return shuffled([...files, ...again], random)
}

/** Rows in any order, one to three in a file. */
export function cut(rows: readonly LandedRow[], prefix: string, random: Random): readonly File[] {
  const left = [...shuffled(rows, random)]
  const files: File[] = []
  while (left.length > 0) {
    files.push({ name: `${prefix}-${files.length}`, rows: left.splice(0, 1 + Math.floor(random() * 3)) })
  }
  return files
}

/** Contiguous pieces that together hold every row; some begin before the last one ended, as a woken process stages them. */
function piecesOf(rows: readonly LandedRow[], random: Random): readonly (readonly LandedRow[])[] {
  const pieces: (readonly LandedRow[])[] = []
  let next = 0
  while (next < rows.length) {
    const first = Math.max(0, next - (random() < 0.25 ? Math.floor(random() * 4) : 0))
    next += 1 + Math.floor(random() * 6)
    pieces.push(rows.slice(first, next))
  }
  return pieces
}

export function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  return list
    .map((one) => ({ one, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one)
}
