/**
 * How the status page keeps itself up to date: text of its one script. It fetches the page again and changes what is different,
 * in place: a reader's focus, selection, scrolling and open details stay.
 */

/** Between two looks. Lag and end are measured every ten seconds, the rest as it goes. */
export const updateMs = 5_000

export const pageScript = `
'use strict'
const page = document.getElementById('page')
function morph(old, fresh) {
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) return old.replaceWith(fresh)
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data
    return
  }
  for (const { name } of [...old.attributes]) if (name !== 'open' && !fresh.hasAttribute(name)) old.removeAttribute(name)
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]]
  after.forEach((node, at) => (at < before.length ? morph(before[at], node) : old.append(node)))
  before.slice(after.length).forEach((node) => node.remove())
}
async function update() {
  if (document.visibilityState === 'hidden') return
  try {
    const answer = await fetch(location.pathname, { cache: 'no-store', signal: AbortSignal.timeout(${updateMs * 2}) })
    if (!answer.ok) throw new Error('no page')
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
    const icon = 'link[rel=icon]'
    document.title = fresh.title
    morph(document.querySelector(icon), fresh.querySelector(icon))
    morph(page, fresh.getElementById('page'))
  } catch {
    const verdict = document.getElementById('verdict')
    const at = document.getElementById('as-of')
    const text = 'This process has not answered since ' + at.textContent + '. What stands below is from then.'
    if (verdict.textContent !== text) verdict.textContent = text
    verdict.className = 'bad'
    document.title = 'no answer · Firn'
  }
}
async function updates() {
  await update()
  setTimeout(updates, ${updateMs})
}
setTimeout(updates, ${updateMs})
document.addEventListener('visibilitychange', () => void update())
`
