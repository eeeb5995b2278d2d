/**
 * Ends a file of tests that has come to its end: a Kafka client that is closed while a request of it fails connects anew, for
 * good, and would keep the process. Not `--test-force-exit`, which loses what was not reported yet.
 */
import { after } from 'node:test'

/** By then what the tests have to say is written. */
const patienceMs = 10_000

after(() => {
  setTimeout(() => process.exit(), patienceMs).unref()
})
