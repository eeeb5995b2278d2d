import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Level, Look } from '../../src/finding.ts'
import type { Answer, Notification } from '../../src/stage/bucket.ts'
import { Failure } from '../../src/failure.ts'
import { judgeNotification } from '../../src/warehouse/notifications.ts'

const topics = ['shop.orders', 'shop.customers']
const look: Look = { part: 'warehouse', what: 'notifications' }
const channel = 'arn:aws:sqs:eu-west-1:1:sf-snowpipe-a'
const queue = { kind: 'queue', arn: channel, events: ['s3:ObjectCreated:*'], prefix: '', suffix: '' } as const
const told = (...value: readonly Notification[]): Answer<readonly Notification[]> => ({ kind: 'told', value })

const cases: readonly [words: string, answer: Answer<readonly Notification[]>, level: Level, detail: RegExp][] = [
  ['of everything', told(queue), 'ok', /^the bucket tells arn:aws:sqs:eu-west-1:1:sf-snowpipe-a of new files$/],
  ['of just this prefix and suffix', told({ ...queue, prefix: 'firn/', suffix: '.parquet' }), 'ok', /of new files$/],
  [
    'of a wider prefix, by puts',
    told({ ...queue, prefix: 'fi', events: ['s3:ObjectCreated:Put'] }),
    'ok',
    /of new files$/,
  ],
  ['of another prefix', told({ ...queue, prefix: 'other/' }), 'failure', /under other\/\* alone, which leaves out/],
  ['of one topic alone', told({ ...queue, prefix: 'firn/shop.orders/' }), 'failure', /leaves out landing files$/],
  [
    'of each topic apart',
    told({ ...queue, prefix: 'firn/shop.orders/' }, { ...queue, prefix: 'firn/shop.cu' }),
    'ok',
    /of new files$/,
  ],
  ['of another suffix', told({ ...queue, suffix: '.json' }), 'failure', /under \/\*\.json alone/],
  ['of removals', told({ ...queue, events: ['s3:ObjectRemoved:*'] }), 'failure', /of s3:ObjectRemoved:\* under/],
  [
    'another queue',
    told({ ...queue, arn: 'arn:aws:sqs:eu-west-1:1:other' }),
    'failure',
    /^the bucket does not tell arn/,
  ],
  ['nobody', told(), 'failure', /so nothing is loaded by itself$/],
  [
    'a topic',
    told({ ...queue, kind: 'other', arn: 'arn:aws:sns:x' }),
    'warning',
    /^not known: the bucket tells arn:aws:sns:x/,
  ],
  [
    'who knows whom',
    { kind: 'denied', failure: new Failure('STAGE_DENIED', 'no') },
    'warning',
    /this key may not ask$/,
  ],
  ['in another way', { kind: 'unknown' }, 'ok', /the store does not say$/],
]

for (const [words, answer, level, detail] of cases) {
  test(`a bucket that tells ${words}: ${level}`, () => {
    const finding = judgeNotification(look, channel, answer, { bucket: 'cdc', prefix: 'firn/' }, topics)
    assert.equal(finding.level, level)
    assert.match(finding.detail, detail)
    if (level === 'ok') assert.equal(finding.hint, null)
    else assert.match(finding.hint ?? '', /aws s3api get-bucket-notification-configuration --bucket cdc must have/)
  })
}
