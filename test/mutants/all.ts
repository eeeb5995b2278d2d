/** Every mutant there is. */
import { auditMutants } from './audit.ts'
import { backfillMutants } from './backfill.ts'
import { kafkaMutants } from './kafka.ts'
import { mergeMutants } from './merge.ts'
import type { Mutant } from './mutant.ts'
import { protocolMutants } from './protocol.ts'
import { secretMutants } from './secrets.ts'

export const mutants: readonly Mutant[] = [
  ...protocolMutants,
  ...kafkaMutants,
  ...mergeMutants,
  ...auditMutants,
  ...backfillMutants,
  ...secretMutants,
]
