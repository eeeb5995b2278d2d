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
    cron.schedule(job.when, onceAtATime(job), { name: job.name, suppressMissedWarning: true }),
  )
  return async () => {
    for (const task of tasks) await task.destroy()
  }
}

/** node-cron can do that too, but writes a line of its own into the log for each turn that it leaves out. */
function onceAtATime(job: Job): () => Promise<void> {
  let isRunning = false
  return async () => {
    if (isRunning) return
    isRunning = true
    try {
      await job.run()
    } finally {
      isRunning = false
    }
  }
}
