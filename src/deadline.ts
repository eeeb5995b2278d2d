/**
 * Waiting for something no longer than a while. What follows when it did not come is the caller's.
 */

/** True when `promise` was fulfilled within `ms`. It goes on unwatched where not, but for a rejection, which is passed on. */
export async function within(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
    }, ms)
  })
  try {
    return await Promise.race([promise.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
