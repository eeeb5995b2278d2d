/**
 * Options of a command line. A wrong one is answered with one that would have worked.
 */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { Failure } from '../failure.ts'

/** @throws Failure USAGE; `example` is a command line that works */
export function parseOptions<T extends ParseArgsOptionsConfig>(
  args: readonly string[],
  options: T,
  example: string,
): ReturnType<typeof parseArgs<{ options: T }>>['values'] {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values
  } catch (error) {
    const reason =
      error instanceof Error
        ? error.message.replace(/\s*\n\s*/g, ' ').replace(/\.? (To specify|Did you forget).*$/s, '')
        : String(error)
    throw new Failure('USAGE', `${reason}; for example: ${example}`, { cause: error })
  }
}
