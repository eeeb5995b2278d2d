/**
 * Sealed batches to Parquet files, in worker threads, so that the thread that talks to Kafka is never held up.
 * What a file holds is decided in parquet.ts.
 */
import { Worker } from 'node:worker_threads'
import type { IngestConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import type { SealedBatch } from './batch.ts'
import type { EncodeAnswer, EncodeRequest } from './encoder-worker.ts'

export type EncodedFile = { readonly file: Uint8Array<ArrayBuffer>; readonly rows: number }

export interface Encoder {
  /**
   * Encodes one batch; files of different batches may come in any order. The batch's buffers are gone afterwards, also when
   * it fails: the way back to its rows is Kafka.
   *
   * @throws Failure ENCODE_FAILED where the rows could not be written, the thread died, or the encoder was closed
   */
  encode(batch: SealedBatch): Promise<EncodedFile>

  /** Ends the threads. What is not encoded yet fails. */
  close(): Promise<void>
}

export type EncoderOptions = {
  readonly compression: IngestConfig['compression']
  /** threads at the most; one encodes some 200,000 rows a second */
  readonly workers?: number
  /** the body of a thread, where a test brings its own */
  readonly workerUrl?: URL
}

type Job = {
  readonly batch: SealedBatch
  readonly resolve: (file: EncodedFile) => void
  readonly reject: (failure: Failure) => void
}

/** One place for a thread; the thread starts with the first batch, and anew after a death. */
type Seat = { worker: Worker | null; job: Job | null }

/** A thread makes buffers, and few objects that die young. For the whole process, --max-semi-space-size overrides it. */
const youngMb = 6

/** The same folder in development (.ts, run as it is) and in the build (.js). */
const defaultWorkerUrl = new URL(`./encoder-worker${import.meta.url.slice(-3)}`, import.meta.url)

export function startEncoder({ compression, workers = 1, workerUrl = defaultWorkerUrl }: EncoderOptions): Encoder {
  const seats: readonly Seat[] = Array.from({ length: workers }, () => ({ worker: null, job: null }))
  const waiting: Job[] = []
  let closed = false

  const settle = (seat: Seat, outcome: (job: Job) => void): void => {
    const job = seat.job
    seat.job = null
    seat.worker?.unref()
    if (job) outcome(job)
    next()
  }

  const seatWorker = (seat: Seat): Worker => {
    if (seat.worker) return seat.worker
    const worker = new Worker(workerUrl, { resourceLimits: { maxYoungGenerationSizeMb: youngMb } })
    let cause: unknown
    worker.on('message', (answer: EncodeAnswer) => {
      settle(seat, (job) => {
        if ('file' in answer) job.resolve({ file: answer.file, rows: job.batch.rows })
        else job.reject(failed(job.batch, answer.error))
      })
    })
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => {
      seat.worker = null
      settle(seat, (job) => {
        job.reject(failed(job.batch, cause ?? new Error(`the encoder's thread ended with exit code ${code}`)))
      })
    })
    seat.worker = worker
    return worker
  }

  const next = (): void => {
    for (const seat of seats) {
      if (seat.job) continue
      const job = waiting.shift()
      if (!job) return
      seat.job = job
      const { groups } = job.batch
      const worker = seatWorker(seat)
      worker.ref()
      try {
        worker.postMessage({ groups, compression } satisfies EncodeRequest, buffersOf(job.batch))
      } catch (error) {
        settle(seat, () => {
          job.reject(failed(job.batch, error))
        })
      }
    }
  }

  return {
    encode: (batch) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(failed(batch, new Error('the encoder is closed')))
          return
        }
        waiting.push({ batch, resolve, reject })
        next()
      }),
    close: async () => {
      closed = true
      for (const job of waiting.splice(0)) job.reject(failed(job.batch, new Error('the encoder is closed')))
      await Promise.all(seats.flatMap(({ worker }) => (worker ? [worker.terminate()] : [])))
    },
  }
}

function buffersOf(batch: SealedBatch): ArrayBuffer[] {
  return batch.groups.flatMap((group) =>
    group.columns.flat().flatMap(({ values, present }) => (present ? [values, present] : [values])),
  )
}

function failed({ topic, partition, range, rows }: SealedBatch, cause: unknown): Failure {
  const reason = cause instanceof Error ? cause.message : String(cause)
  const what = `${topic}/${partition} ${range.first.toString()}-${range.last.toString()}, ${rows} rows`
  return new Failure('ENCODE_FAILED', `${what}: ${reason}`, { cause })
}
