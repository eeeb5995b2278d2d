/**
 * What the stack needs to know of a part. Each part has a file of its own; starting, watching and stopping are in stack.ts.
 */
import type { Logger } from '../telemetry.ts'
import type { Launch } from './part-process.ts'
import type { Parts } from './parts.ts'
import type { PartName, StackState } from './stack-state.ts'

/** The folder of a stack and all that its parts must agree on. */
export type StackPlan = {
  readonly dir: string
  readonly state: StackState
  readonly parts: Parts
  readonly logger: Logger
}

export interface PartServer {
  readonly name: PartName
  /** parts that must run before it starts */
  readonly needs: readonly PartName[]

  /** Makes its folder and writes its settings; before every start, and harmless to repeat. @throws Failure STACK_PART_FAILED */
  prepare(): Promise<void>

  launch(): Launch

  /** Resolves when it does its work, and throws anything as long as it does not. Asked again and again. */
  assertReady(): Promise<void>
}
