/** Numbers from 0 to 1 that a seed decides, so that what a laboratory did can be done again. */
import { createHash } from 'node:crypto'

export function seededRandom(seed: number): () => number {
  let turn = 0
  return () => createHash('sha256').update(`${seed} ${turn++}`).digest().readUInt32BE(0) / 2 ** 32
}
