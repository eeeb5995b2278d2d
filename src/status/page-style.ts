/**
 * How the status page looks: text of its one style element. Light and dark by the reader's own choice; the narrowest screen is
 * 375 px wide. Contrasts are measured by `make check-page`.
 */
export const pageStyle = `
:root { color-scheme: light dark; --page: #fff; --text: #1b2733; --soft: #4d5b69; --line: #c9d1d9; --plain: #f3f5f8; --link: #0a4fb4;
  --good: #0a5c2b; --good-back: #e6f4ea; --odd: #6b4200; --odd-back: #fff3d1; --bad: #9a0d22; --bad-back: #fdeaed }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f1620; --text: #e3e9f0; --soft: #a9b6c4; --line: #35414e; --plain: #18212d; --link: #8ab8ff;
    --good: #7fdf9f; --good-back: #11291b; --odd: #f2cd76; --odd-back: #2f260c; --bad: #ff9ca7; --bad-back: #36151b }
}
* { box-sizing: border-box }
html { scroll-behavior: auto; -webkit-text-size-adjust: 100% }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.25rem }
h2 { margin: 2rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: 1.25rem }
h3 { margin: 1.5rem 0 .25rem; font-size: 1.0625rem; overflow-wrap: anywhere }
p { margin: .25rem 0 .5rem; overflow-wrap: anywhere }
a { color: var(--link) }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline; margin-bottom: .75rem }
nav ul { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; padding: 0; list-style: none }
nav a { display: inline-block; padding: .25rem 0 }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px }
#verdict { margin: 0 0 1rem; padding: .75rem 1rem; border-left: .375rem solid; border-radius: .25rem; font-size: 1.125rem; font-weight: 600 }
#verdict.good { color: var(--good); background: var(--good-back) }
#verdict.odd { color: var(--odd); background: var(--odd-back) }
#verdict.bad { color: var(--bad); background: var(--bad-back) }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(14rem, 1fr)); gap: .75rem 1.5rem; margin: 0 }
dt { color: var(--soft); font-size: .875rem }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums }
meter { display: block; width: 100%; max-width: 16rem; height: .75rem }
.scroll { overflow-x: auto; margin: .75rem 0 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9375rem }
caption { padding: .25rem 0; text-align: left; color: var(--soft) }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(46rem, calc(100vw - 2rem)); white-space: normal }
th, td { padding: .25rem .75rem; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; white-space: nowrap }
thead th { background: var(--plain); vertical-align: bottom; font-size: .875rem }
tbody th, thead tr:first-child th:first-child, .text { text-align: left }
tbody th { font-weight: 600 }
.name { min-width: 16rem; white-space: normal; overflow-wrap: anywhere; font-weight: 400 }
td.halted, td.stalled { color: var(--bad); font-weight: 600 }
details { margin: .75rem 0 }
summary { padding: .25rem 0; color: var(--link); cursor: pointer }
.cards { display: grid; gap: .75rem; margin: .5rem 0; padding: 0; list-style: none }
.card { padding: .75rem 1rem; border: 1px solid var(--line); border-left: .375rem solid var(--bad); border-radius: .25rem; background: var(--plain) }
.card.odd { border-left-color: var(--odd) }
.card h3 { margin: 0 0 .25rem }
.more, footer { color: var(--soft); font-size: .875rem }
code { padding: .0625rem .25rem; border-radius: .1875rem; background: var(--page); font-size: .9375em; overflow-wrap: anywhere }
footer { margin-top: 2rem; padding-top: 1rem; border-top: 1px solid var(--line) }
@media (max-width: 40rem) {
  th, td { padding: .25rem .5rem }
  tbody th:first-child { position: sticky; left: 0; background: var(--page); max-width: 10rem; white-space: normal; overflow-wrap: anywhere }
  tbody th.label { min-width: 7.5rem }
  tbody th.name { min-width: 12.5rem; font-size: .8125rem }
}
`
