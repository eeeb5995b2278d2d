/**
 * Runs a command as main.ts does, in this process. What it throws is the caller's to judge.
 */
import { Writable } from 'node:stream'
import type { Command, ExitCode } from '../../src/commands/command.ts'

export type Ran = {
  readonly code: ExitCode
  readonly bytes: Buffer
  readonly stdout: string
  readonly stderr: string
}

export async function runCommand(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const out: Buffer[] = []
  const err: Buffer[] = []
  const io = { stdout: sink(out), stderr: sink(err), env, signal: new AbortController().signal }
  const code = await command.run(args, io)
  const bytes = Buffer.concat(out)
  return { code, bytes, stdout: bytes.toString(), stderr: Buffer.concat(err).toString() }
}

function sink(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk)
      done()
    },
  })
}
