/**
 * Secrets that cannot be mistaken for anything else, one for each secret setting of the schema, and the search for them: as they
 * are, and in the forms in which they travel.
 */
import { allSettings, type Setting } from '../../src/settings.ts'

export type Secret = { readonly name: string; readonly value: string }

export const secretSettings: readonly Setting[] = allSettings().filter(({ secret }) => secret)

/** A value for the setting. The signs in it are written differently in URLs, JSON and base64. */
export function plantedSecret({ name }: Pick<Setting, 'name'>): Secret {
  return { name, value: `Planted-${name.replaceAll('.', '-')}+/"%é ?&=end` }
}

/** Which secrets a text holds, and how: none, where all is well. */
export function leaksIn(text: string, secrets: readonly Secret[]): readonly string[] {
  return secrets.flatMap(({ name, value }) =>
    Object.entries(formsOf(value))
      .filter(([, forms]) => forms.some((form) => text.includes(form)))
      .map(([form]) => `${name} as ${form}`),
  )
}

function formsOf(value: string): Readonly<Record<string, readonly string[]>> {
  const bytes = Buffer.from(value)
  const base64 = base64Cores(bytes)
  return {
    'it is': [value, JSON.stringify(value).slice(1, -1)],
    // Of those that hold a sign which a URL writes differently; others are found as they are.
    'part of a URL': [encodeURIComponent(value), new URLSearchParams({ v: value }).toString().slice(2)],
    base64,
    'base64 of a URL': base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    hexadecimal: [bytes.toString('hex'), bytes.toString('hex').toUpperCase()],
  }
}

/** What base64 looks like with something before and after it, as in `user:password`: three ways, by where it begins. */
function base64Cores(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The first and the last characters hold bits of the neighbours.
    return text.slice(shift === 0 ? 0 : shift + 1, -2)
  })
}
