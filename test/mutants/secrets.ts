/**
 * Mutants of logins and secrets: each tells a secret, or believes a login that was refused, and names the test that notices.
 */
import type { Mutant } from './mutant.ts'

export const secretMutants: readonly Mutant[] = [
  {
    name: 'the configuration is logged',
    file: 'src/commands/run.ts',
    find: `  let started: Ingest | null = null\n`,
    replace: `  let started: Ingest | null = null\n  logger.debug({ config }, 'configuration')\n`,
    caughtBy: {
      file: 'test/commands/secrets.e2e.test.ts',
      test: 'with logins that work, no command and no answer tells a secret',
    },
  },
  {
    name: "the YAML parser's messages are told as they are",
    file: 'src/config-source.ts',
    find: `quoteNothing.has(code) ? message`,
    replace: `quoteNothing.size > 0 ? message`,
    caughtBy: {
      file: 'test/config/secrets.test.ts',
      test: 'a configuration that cannot be read, or is wrong beside a secret, does not tell it',
    },
  },
  {
    name: 'a secret of the schema is not marked as one',
    file: 'src/config.ts',
    find: `secretAccessKey: secret('goes with accessKeyId').optional()`,
    replace: `secretAccessKey: z.string().min(1).optional().describe('goes with accessKeyId')`,
    caughtBy: {
      file: 'test/config/secrets.test.ts',
      test: 'every setting whose name says so is marked as a secret in the schema',
    },
  },
  {
    name: 'every answer to a token counts as a login',
    file: 'src/kafka/login.ts',
    find: `if (typeof challenge !== 'string' || challenge === '') return`,
    replace: `if (challenge !== null) return`,
    caughtBy: {
      file: 'test/kafka/logins.e2e.test.ts',
      test: 'a token for MSK reaches the broker as an OAuth token does; one that knows nothing of AWS refuses it',
    },
  },
]
