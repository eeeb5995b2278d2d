/** The one partition of the small world. */
export const epoch = 1
export const place = { topic: 't', partition: 0 }
