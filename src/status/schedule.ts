/**
 * The jobs that a running Firn does by the clock; the only file that imports node-cron.
 * What a job does, and what becomes of its errors, is the job's own.
 */
import cron from 'node-cron'

export type Job = {
  readonly name: string
  /** cron expression of six fields, the first of them seconds */
  readonly when: string
  /** Never throws. A run that takes long makes the next ones wait for their next turn. */
  run(): Promise<void>
}

/** Begins at once; the result ends it. */
export function startSchedule(jobs: readonly Job[]): () => Promise<void> {
  const tasks = jobs.map((job) =>
    cron.schedule(job.when, () => job.run(), { name: job.name, noOverlap: true, suppressMissedWarning: true }),
  )
  return async () => {
    for (const task of tasks) await task.destroy()
  }
}
