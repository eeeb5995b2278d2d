/**
 * `make mutants`: plants each mutant in a copy of the project and runs the test that is to catch it, which must pass without
 * the mutant and fail with it. Ends with 1 where one is not caught.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { heedInterruption } from '../support/interruption.ts'
import { ownStack } from '../support/stack.ts'
import { mutants } from './all.ts'
import type { Mutant } from './mutant.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const say = (line: string): void => void process.stdout.write(`${line}\n`)

heedInterruption()
const copy = await mkdtemp(join(tmpdir(), 'firn-mutants-'))
process.on('exit', () => {
  rmSync(copy, { recursive: true, force: true })
})
const stack = ownStack()
try {
  for (const part of ['src', 'sql', 'test', 'package.json'])
    await cp(join(root, part), join(copy, part), { recursive: true })
  for (const part of ['node_modules', '.firn']) await symlink(join(root, part), join(copy, part))
  const env = { ...process.env, FIRN_TEST_STACK: JSON.stringify(await stack.up()) }

  const passes = async ({ caughtBy }: Mutant): Promise<boolean> => {
    // Of names that begin alike the pattern would run several.
    const pattern = `^${caughtBy.test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`
    const args = [
      '--test',
      '--test-reporter=dot',
      '--test-timeout=300000',
      `--test-name-pattern=/${pattern}/`,
      caughtBy.file,
    ]
    const child = spawn(process.execPath, args, { cwd: copy, env, stdio: 'ignore' })
    const endWithThis = (): void => void child.kill()
    process.once('exit', endWithThis)
    const [code] = (await once(child, 'exit')) as [number | null]
    process.removeListener('exit', endWithThis)
    return code === 0
  }

  const sound = new Set<string>()
  let caught = 0
  for (const mutant of mutants) {
    const { name, file, find, replace, caughtBy } = mutant
    const test = `${caughtBy.file}: ${caughtBy.test}`
    if (!sound.has(test) && !(await passes(mutant))) {
      say(`unsound    ${name}: "${test}" fails without it`)
      continue
    }
    sound.add(test)
    const path = join(copy, file)
    const text = await readFile(path, 'utf8')
    await writeFile(
      path,
      text.replace(find, () => replace),
    )
    const isCaught = !(await passes(mutant))
    await writeFile(path, text)
    if (isCaught) caught++
    say(`${isCaught ? 'caught    ' : 'NOT CAUGHT'} ${name}  (${test})`)
  }
  say(`${caught} of ${mutants.length} caught`)
  process.exitCode = caught === mutants.length ? 0 : 1
} finally {
  await stack.down({ clean: true })
}
process.exit()
