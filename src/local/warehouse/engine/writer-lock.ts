/**
 * One writer at a time, in the order of asking. It makes the order of commits the order of the sequence numbers that rows
 * get, on which streams rest. Readers need no lock.
 */
export class WriterLock {
  #last: Promise<void> = Promise.resolve()

  /** @returns a function that lets the next one in; calling it again changes nothing */
  async acquire(): Promise<() => void> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#last = promise
    await before
    return () => {
      resolve(undefined)
    }
  }
}
