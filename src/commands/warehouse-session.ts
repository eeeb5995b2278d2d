/**
 * A session at Snowflake for one command, ended whatever comes of its work.
 */
import type { Config } from '../config.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { warehouseOf } from '../warehouse/values.ts'

/** @throws Failure CONFIG_INVALID without a section warehouse, WAREHOUSE_UNREACHABLE, WAREHOUSE_DENIED, and what the work throws */
export async function withWarehouse<T>(config: Config, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await connectSnowflake(warehouseOf(config))
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}
