/**
 * Named instants of the ingest protocol at which a test lets the process die or stop. Inert unless the environment names one
 * when the process starts; what each instant is, its name says. What must be true afterwards is the tests'.
 */

/** In the order in which a partition comes by them. */
export const failPoints = [
  'record.before',
  'record.after',
  'adopt.before',
  'adopt.after',
  'seek.before',
  'seek.after',
  'bootstrap.before',
  'bootstrap.after',
  'buffer.before',
  'buffer.after',
  'encode.before',
  'encode.after',
  'put.before',
  'put.after',
  'commit.before',
  'commit.after',
  'revoke.before',
  'revoke.after',
  'leave.before',
  'leave.after',
] as const

export type FailPoint = (typeof failPoints)[number]

/** How it is armed: `<point>=<signal>@<n>`, the signal at the nth time that the point is reached: put.after=SIGKILL@2 */
export const failPointVariable = 'FIRN_TEST_FAIL_POINT'

type Armed = { readonly point: string; readonly signal: string; readonly turn: number }

const armed = parse(process.env[failPointVariable])
let turns = 0

function parse(text: string | undefined): Armed | null {
  const found = /^([a-z.]+)=(SIG[A-Z]+)@(\d+)$/.exec(text ?? '')
  return found ? { point: found[1] ?? '', signal: found[2] ?? '', turn: Number(found[3]) } : null
}

/** Where the process is at `point`. */
export function reach(point: FailPoint): void {
  if (armed?.point !== point || ++turns !== armed.turn) return
  process.kill(process.pid, armed.signal)
}
