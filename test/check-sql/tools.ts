/**
 * The Python tools that judge: where they are, and how they are asked. What is done with their verdicts is not decided here.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const bin = fileURLToPath(new URL('../../.firn/parts/sql-tools/bin/', import.meta.url))
const run = promisify(execFile)

type Asked = {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly codes?: readonly number[]
}

/** What the tool writes to stdout. @throws Error with the end of all that it said, where it ends with no code of `codes` */
async function ask(tool: string, args: readonly string[], { env = {}, cwd, codes = [0] }: Asked = {}): Promise<string> {
  const child = run(join(bin, tool), args, {
    // Of the caller's own settings for these tools none may count.
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C.UTF-8', ...env },
    maxBuffer: 2 ** 28,
    timeout: 300_000,
    ...(cwd !== undefined && { cwd }),
  })
  const endWithThis = (): void => void child.child.kill()
  process.once('exit', endWithThis)
  try {
    return (await child).stdout
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number | string; stdout?: string; stderr?: string }
    if (typeof code === 'number' && codes.includes(code)) return stdout
    const said = `${stdout}${stderr}`.trimEnd().split('\n').slice(-20).join('\n')
    throw new Error(`${tool} ${args.join(' ')} ended with ${String(code)}:\n${said}`, { cause: error })
  } finally {
    process.removeListener('exit', endWithThis)
  }
}

type Parsed = { readonly filepath: string; readonly segments: unknown }

/** Of the files in a folder, those that sqlfluff cannot parse as Snowflake's SQL: their names, and the place. */
export async function unparsable(folder: string): Promise<ReadonlyMap<string, string>> {
  const how = ['--dialect', 'snowflake', '--templater', 'raw', '--ignore-local-config', '--format', 'json']
  // 1: something is unparsable; the answer says what.
  const answer = await ask('sqlfluff', ['parse', ...how, '.'], { cwd: folder, codes: [0, 1] })
  const found = (JSON.parse(answer) as readonly Parsed[]).flatMap(({ filepath, segments }): [string, string][] => {
    const text = segments === null ? 'nothing of it is read' : unparsableText(segments)
    return text === null ? [] : [[filepath.replace(/^\.\//, ''), text]]
  })
  return new Map(found)
}

/** The text of the first section that is named so; null where there is none. */
function unparsableText(segment: unknown): string | null {
  if (typeof segment !== 'object' || segment === null) return null
  for (const [name, inner] of Object.entries(segment)) {
    const text = name === 'unparsable' ? textOf(inner).slice(0, 200) : unparsableText(inner)
    if (text !== null) return text
  }
  return null
}

function textOf(segment: unknown): string {
  if (typeof segment === 'string') return segment
  return typeof segment === 'object' && segment !== null ? Object.values(segment).map(textOf).join('') : ''
}

/** The names of the scripts that schemachange sees in a folder, in its order. @throws Error where it refuses one */
export async function deployOrder(folder: string): Promise<readonly string[]> {
  const script = fileURLToPath(new URL('deploy-order.py', import.meta.url))
  return JSON.parse(await ask('python3', [script, folder])) as readonly string[]
}

/** Deploys what the configuration in a folder says. @throws Error where a script fails */
export async function deploy(configFolder: string, password: string): Promise<void> {
  // Without the first the connector looks for a cloud to be in.
  const env = { SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true', SNOWFLAKE_PASSWORD: password, NO_COLOR: '1' }
  await ask('schemachange', ['deploy', '--config-folder', configFolder], { env })
}
