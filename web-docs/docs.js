// The page at /docs/: Swagger UI on this server's contract, and a sign-in whose
// access token Swagger UI sends. Tokens are kept in these variables and nowhere
// else. The script runs before the page is drawn, for the sake of its colours.
'use strict'

const scheme = 'bearerAuth' // the contract's name for it
const renewBefore = 60 // seconds
const retryAfter = 15 // seconds, when the server cannot be reached for a renewal

let ui
let session = null // {access, refresh, user}
let renewal // the timer

followColorScheme(matchMedia('(prefers-color-scheme: dark)'))

document.addEventListener('DOMContentLoaded', () => {
  ui = SwaggerUIBundle({
    dom_id: '#reference',
    url: '/openapi.json',
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    docExpansion: 'list',
    filter: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: authorize,
  })
  element('sign-in').querySelector('form').addEventListener('submit', signIn)
  element('sign-out').addEventListener('click', signOut)
})

async function signIn(event) {
  event.preventDefault()
  const form = event.target
  const { username, password, otp } = form.elements
  const button = form.querySelector('button')
  const body = { username: username.value, password: password.value }
  if (otp.value.trim()) body.otp = otp.value.trim()
  button.disabled = true
  say('')
  try {
    begin(await post('/api/auth/', body))
    form.reset()
    otp.parentElement.hidden = true
    element('sign-in').open = false
  } catch (problem) {
    say(problem.message)
    if (problem.code === 'otp_required') {
      otp.parentElement.hidden = false
      otp.focus()
    }
  } finally {
    button.disabled = false
  }
}

function begin(answer) {
  session = answer
  renewal = setTimeout(renew, untilRenewal(answer.access))
  authorize()
  showAccount()
}

// Swagger UI knows the scheme only once the contract has been read, so this is
// called both then and at a sign-in.
function authorize() {
  if (session) ui.preauthorizeApiKey(scheme, session.access)
}

async function renew() {
  const used = session
  try {
    const pair = await post('/api/auth/refresh/', { refresh: used.refresh })
    if (session === used) begin({ ...used, ...pair })
  } catch (problem) {
    if (session !== used) return
    if (problem.refused) end(problem.message)
    else renewal = setTimeout(renew, retryAfter * 1000)
  }
}

// The page forgets the tokens whatever the server says: a reader who signs out
// while the server is away is signed out here.
function signOut() {
  const { access } = session
  end('')
  post('/api/auth/logout/', undefined, access).catch(() => {})
}

function end(message) {
  clearTimeout(renewal)
  session = null
  ui.authActions.logout([scheme])
  showAccount()
  say(message)
  if (message) element('sign-in').open = true
}

function showAccount() {
  const user = session?.user
  element('sign-in').hidden = Boolean(session)
  element('account').hidden = !session
  element('who').textContent = [user?.first_name, user?.last_name].filter(Boolean).join(' ') || user?.username || ''
  element('role').textContent = session ? (user?.role?.name ?? 'no role') : ''
}

function say(message) {
  const alert = element('sign-in').querySelector('[role=alert]')
  alert.textContent = message
  alert.hidden = !message
}

// post answers the JSON of a success. It throws an Error whose message is the
// problem's detail, with its code; refused tells a refusal from a failure that
// may pass.
async function post(path, body, token) {
  const headers = {}
  if (body) headers['Content-Type'] = 'application/json'
  if (token) headers.Authorization = `Bearer ${token}`
  const response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) }).catch(() => null)
  if (!response) throw new Error('The server cannot be reached. Try again in a moment.')
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  const { status } = response
  throw Object.assign(new Error(answer.detail ?? `The server answered with status ${status}.`), {
    code: answer.code,
    refused: status >= 400 && status < 500 && status !== 429,
  })
}

// The token's lifetime is counted from its arrival, so that a reader's wrong
// clock does no harm. A very short one is renewed at half its time.
function untilRenewal(token) {
  const claims = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
  const lifetime = claims.exp - (claims.iat ?? Date.now() / 1000)
  const longestTimer = 2 ** 31 - 1
  return Math.min(Math.max(lifetime - renewBefore, lifetime / 2) * 1000, longestTimer)
}

// Swagger UI has dark colours of its own under this class, but does not ask the
// browser which ones the reader prefers.
function followColorScheme(dark) {
  const apply = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
  apply()
  dark.addEventListener('change', apply)
}

function element(id) {
  return document.getElementById(id)
}
