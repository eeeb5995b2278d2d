/**
 * Everything that an audit finds in the evidence of one topic. Pure: a command hands in all that can be known, a running
 * service what it may see of its own partitions; what was not asked is not judged.
 */
import type { TopicEvidence } from '../evidence.ts'
import { judgeDeep } from './deep.ts'
import { judgeFiles, type Patience } from './files.ts'
import type { Finding, Note } from './finding.ts'
import { judgeGaps, noteOverlaps } from './gaps.ts'
import { judgeObjects } from './objects.ts'

/** In the order of the path: staged, loaded, merged, then the objects. */
export function judge(evidence: TopicEvidence, patience: Patience): readonly Finding[] {
  return [...judgeGaps(evidence), ...judgeFiles(evidence, patience), ...judgeDeep(evidence), ...judgeObjects(evidence)]
}

/** What looks odd in the same evidence and is right. */
export function explain(evidence: TopicEvidence): readonly Note[] {
  return noteOverlaps(evidence)
}
