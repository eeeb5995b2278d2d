/**
 * `firn rejects`: what could not be applied and is open. Its first argument says what to do; each action is a file of its
 * own. What is open is decided in warehouse/open-rejects.ts.
 */
import { Failure } from '../failure.ts'
import { backfill } from './backfill.ts'
import type { Command, ExitCode, Io } from './command.ts'
import { listRejects } from './rejects-list.ts'
import { showReject } from './rejects-show.ts'

type Action = (args: readonly string[], io: Io) => Promise<ExitCode>

const actions: Readonly<Record<string, Action>> = {
  list: listRejects,
  show: showReject,
  retry: (args, io) => backfill(args, io, 'rejects'),
}

export const command: Command = {
  summary: 'list, show and retry what could not be applied and is open',
  help: `firn rejects: list, show and retry what could not be applied and is open

usage: firn rejects list [--topic TOPIC | --table SCHEMA.TABLE] [--code CODE] [--partition N] [--config FILE] [--json]
       firn rejects show --topic TOPIC --partition N --offset N [--epoch N] [--bytes] [--config FILE] [--json]
       firn rejects retry [--topic TOPIC] [--code CODE] [--partition N] [--offsets FIRST-LAST] [--epoch N] [--plan]
                    and the other options of firn backfill --from rejects, which it is

A message that cannot become a change lands as a reject, with its bytes and the reason; a change that the merge cannot apply
is kept beside. One is open until changes of the same message (epoch, partition, offset) have landed, one of the merge until
a later revision of the same change has.

list groups them by topic or table, epoch and code: how many, the first and the last place as partition/offset, one reason
as an example, and what can be done. Exits 3 where something is open, 0 where nothing is.

show prints one: code, reason, file, times, key, headers and value. What is not UTF-8 is shown as base64, and a long value is
cut. The value of one that was too large lies on the stage: its object is named.

retry decodes messages that landed as rejects again, after a dialect or the configuration was mended, and stores those that
became changes; the others stay as they are. It is a backfill: it has a name, shows its plan first, and can be gone on with.

Needs the rights of the role of operators (warehouse.rolePrefix, _OPERATOR).

  --topic TOPIC         a topic of the configuration (list: with all its tables)
  --table SCHEMA.TABLE  its topic, and what the merge into this table has refused
  --code CODE           those of one code alone, such as NOT_JSON
  --partition N         those of one partition alone
  --offset N            where the message lies in its partition
  --epoch N             where a place was rejected in several epochs
  --bytes               write the value alone to stdout, byte for byte; fetched from the stage where it lies there
  --config FILE         the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json                print the result as one JSON object; offsets and Kafka's timestamps (ms since 1970) are text

examples:
  firn rejects list
  firn rejects list --table SHOP.ORDERS --code KEY_MISSING --json
  firn rejects show --topic shop.orders --partition 3 --offset 4711
  firn rejects show --topic shop.orders --partition 3 --offset 4711 --bytes > value.bin
  firn rejects retry --topic shop.orders --code KEY_MISSING --plan
`,
  async run(args, io) {
    const [name = '', ...rest] = args
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (action) return await action(rest, io)
    const known = Object.keys(actions).join(', ')
    const what = name === '' || name.startsWith('-') ? 'what to do is missing' : `there is no firn rejects ${name}`
    throw new Failure('USAGE', `${what}; there are: ${known}; for example: firn rejects list`)
  },
}
