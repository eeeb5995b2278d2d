/**
 * Memory outside of the heap that is given back by hand: the garbage collector would come for it when as much again has been
 * made. When nobody reads it any more is for its callers to know; what is a view of it is empty from then on.
 */

/** What nothing else than one answer of a broker lies in. */
const answers = new WeakSet<ArrayBufferLike>()

/** For an answer that comes in pieces. */
export function answerMemory(bytes: number): Buffer {
  const memory = Buffer.allocUnsafeSlow(bytes)
  answers.add(memory.buffer)
  return memory
}

/** Gives back what came from `answerMemory`, and nothing else; once. */
export function releaseAnswer(buffer: ArrayBufferLike): void {
  if (answers.delete(buffer)) (buffer as ArrayBuffer).transfer(0)
}

/** Gives back a buffer that has its memory for itself: small ones share theirs, and none of them takes up all of it. */
export function releaseWhole({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
