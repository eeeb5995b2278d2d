/**
 * Works through a list, so many at once. The first failure ends all of it, and is what the caller gets.
 */

/** Resolves when each is done. `signal` is aborted for the others where one fails, or where the caller's own is. */
export async function parallel<T>(
  items: readonly T[],
  atOnce: number,
  outer: AbortSignal,
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([outer, failed.signal])
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < items.length && !signal.aborted) {
      const item = items[next++]
      if (item === undefined) return
      try {
        await work(item, signal)
      } catch (error) {
        failed.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker))
  // The caller's word goes first: what failed after it failed because of it.
  outer.throwIfAborted()
  failed.signal.throwIfAborted()
}
