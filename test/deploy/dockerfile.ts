/**
 * A Dockerfile as a list of instructions, for tests that have no Docker engine.
 */
export type Instruction = { readonly name: string; readonly text: string }

/** Comments are left out, and continued lines joined. */
export function readDockerfile(text: string): readonly Instruction[] {
  const lines = text
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
  return lines.flatMap((line) => {
    const [, name, rest] = /^([A-Z]+) (.+)$/.exec(line.trim()) ?? []
    return name === undefined || rest === undefined ? [] : [{ name, text: rest }]
  })
}

/** From one FROM to the next. */
export function stagesOf(instructions: readonly Instruction[]): readonly (readonly Instruction[])[] {
  const starts = instructions.flatMap(({ name }, index) => (name === 'FROM' ? [index] : []))
  return starts.map((start, at) => instructions.slice(start, starts[at + 1]))
}

/** What an instruction in exec form runs. @throws Error where it is none */
export function execForm(text: string): readonly string[] {
  const words: unknown = JSON.parse(text)
  if (!Array.isArray(words) || words.length === 0 || !words.every((word) => typeof word === 'string')) {
    throw new Error(`no exec form: ${text}`)
  }
  return words
}
