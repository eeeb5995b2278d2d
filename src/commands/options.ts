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

/** A hint's firn migrate with the --config that this command was given: without it, it would look elsewhere. */
export function withConfig(hint: string, file: string | undefined): string {
  if (file === undefined) return hint
  const word = /^[\w./+@%-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`
  return hint.replace(/\bfirn migrate\b/g, (command) => `${command} --config ${word}`)
}
