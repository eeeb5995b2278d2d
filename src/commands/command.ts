/**
 * What every command is: words for the help, and one function from arguments to an exit code.
 * Which commands there are is decided in main.ts.
 */

/** 0 done, 1 failed, 2 usage, 3 findings */
export type ExitCode = 0 | 1 | 2 | 3

/** The process as a command sees it, so that tests can hand in another one. */
export type Io = {
  /** results: what a pipe or `--json` reads */
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** logs, progress and errors */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
  /** whoever answers questions; nobody, where it is missing */
  readonly stdin?: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
  /** aborted by the first SIGINT or SIGTERM */
  readonly signal: AbortSignal
}

export type Command = {
  /** one line for `firn --help` */
  readonly summary: string
  /** the whole `firn <command> --help`, with examples */
  readonly help: string
  /** @throws Failure; main prints its message and hint */
  run(args: readonly string[], io: Io): Promise<ExitCode>
}
