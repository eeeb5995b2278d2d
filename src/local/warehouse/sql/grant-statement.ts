/**
 * The statements about who may do what, as data. Which privileges an object has, and who may grant them, is the engine's.
 */
import type { Name, ObjectKind } from './statement.ts'

/** A role or a user that something is granted to. */
export type Grantee = { readonly kind: 'role' | 'user'; readonly name: string }

/** What privileges are granted on. */
export type GrantTarget =
  | { readonly scope: 'account' }
  | { readonly scope: 'object'; readonly what: ObjectKind; readonly name: Name }
  /** all objects of a kind in a schema: those that are there, or those that will be made */
  | { readonly scope: 'all'; readonly what: ObjectKind; readonly schema: Name }
  | { readonly scope: 'future'; readonly what: ObjectKind; readonly schema: Name }

/** Who may do what. Privileges are words as written, in upper case; whether an object of the kind has them is the engine's. */
export type GrantStatement =
  | { readonly kind: 'grant role' | 'revoke role'; readonly role: string; readonly grantee: Grantee }
  | {
      readonly kind: 'grant' | 'revoke'
      /** 'ALL' stands for each privilege of the kind */
      readonly privileges: readonly string[]
      readonly on: GrantTarget
      readonly role: string
    }
  | {
      readonly kind: 'grant ownership'
      readonly what: ObjectKind
      readonly name: Name
      readonly role: string
      /** what becomes of the grants that the former owner gave */
      readonly currentGrants: 'refuse' | 'copy' | 'revoke'
    }
  | {
      readonly kind: 'show grants'
      readonly of: { readonly to: Grantee | 'current user' } | { readonly on: GrantTarget }
    }
