/**
 * Positions as bytes, one after the other: a batch's differ from the one before in a digit or two, so that writing each anew
 * would cost more than the scan of its message. What a position says is change.ts's.
 */
import { fixed, type Position, positionOf } from '../change.ts'

/** Behind the epoch and a point. */
const orderAt = 6

/** From the point behind the offset on: partition, row index, revision, with their points. */
const tailBytes = 19

const zero = 0x30
const nine = 0x39

export class PositionBytes {
  #last: Position | null = null
  #bytes = Buffer.alloc(0)

  /** What `positionOf` gives, in ASCII; in the same buffer each time. Of 64-bit offsets. @throws RangeError as positionOf */
  of(position: Position): Uint8Array {
    const last = this.#last
    this.#last = null
    if (last === null || !isFramedAlike(position, last)) this.#bytes = Buffer.from(positionOf(position))
    else {
      if (position.order !== last.order) this.#bytes.write(position.order, orderAt, 'latin1')
      if (position.offset === last.offset + 1n) this.#countUp()
      else this.#writeOffset(position)
    }
    this.#last = position
    return this.#bytes
  }

  #countUp(): void {
    let at = this.#bytes.length - tailBytes - 1
    for (; this.#bytes[at] === nine; at--) this.#bytes[at] = zero
    this.#bytes[at] = (this.#bytes[at] ?? zero) + 1
  }

  #writeOffset({ offset, isLogged }: Position): void {
    // Of a message that is of no log there is a sign before it.
    const digits = fixed(offset, isLogged ? 20 : 19)
    this.#bytes.write(digits, this.#bytes.length - tailBytes - digits.length, 'latin1')
  }
}

/** Whether all is the same but the order and the offset, and these stand at the same places. */
function isFramedAlike(a: Position, b: Position): boolean {
  return (
    a.rowIndex === b.rowIndex &&
    a.partition === b.partition &&
    a.rank === b.rank &&
    a.epoch === b.epoch &&
    a.revision === b.revision &&
    a.isLogged === b.isLogged &&
    a.order.length === b.order.length
  )
}
