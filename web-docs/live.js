// The page /docs/live.html, and an example of the client: signs in, shows the dashboard's figures and the
// own notifications, and keeps both up to date by listening. The tokens are kept in memory, so that a
// reload signs out.
import { Chelal, ProblemError } from './chelal-client.gen.js'

const names = {
  total_patients: 'Patients',
  today_appointments: "Today's appointments",
  pending_bills: 'Unpaid bills',
  total_revenue: 'Revenue',
}
const longest = 60 // as many values and notifications are shown

const chelal = new Chelal({ onSignedOut: ({ message }) => leave(message) })
const form = element('sign-in')
let listening = new AbortController()

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const { username, password, otp } = form.elements
  const button = form.querySelector('button')
  button.disabled = true
  say('')
  try {
    const who = { username: username.value, password: password.value }
    if (otp.value.trim()) who.otp = otp.value.trim()
    enter(await chelal.signIn(who))
  } catch (error) {
    say(error.message)
    if (error.code === 'otp_required') {
      otp.parentElement.hidden = false
      otp.focus()
    }
  } finally {
    button.disabled = false
  }
})

element('sign-out').addEventListener('click', () => {
  chelal.signOut().catch(() => {}) // it expires
  leave('')
})

function enter(user) {
  form.reset()
  element('who').textContent = [user.first_name, user.last_name].filter(Boolean).join(' ') || user.username
  element('role').textContent = user.role?.name ?? 'no role'
  show(true)
  listening = new AbortController()
  follow('dashboard', showFigures, () => {})
  follow('notifications', showNotification, readNotifications)
}

function leave(message) {
  listening.abort()
  for (const list of [element('figures'), element('notifications')]) list.replaceChildren()
  series.clear()
  show(false)
  say(message)
}

// follow shows what a topic tells. What was missed is read anew: at the start, and after a resync.
async function follow(topic, told, reread) {
  const line = document.querySelector(`[data-topic=${topic}]`)
  const { signal } = listening
  try {
    for await (const event of chelal.live(topic, { signal, onState: (state) => mark(line, state) })) {
      if (event.type === 'ready' || event.type === 'resync') await reread()
      else told(event.data)
    }
  } catch (error) {
    if (!signal.aborted) mark(line, 'closed', error instanceof ProblemError ? error.message : String(error))
  }
}

const states = { connecting: 'connecting …', open: 'live', waiting: 'the line broke; trying again' }

function mark(line, state, message = states[state]) {
  line.dataset.state = state
  line.textContent = message
}

const series = new Map() // the values of each figure since the page listens

// The first message has every figure, the next ones those that changed.
function showFigures(figures) {
  for (const name of Object.keys(names).filter((name) => name in figures)) {
    const value = figures[name]
    const values = [...(series.get(name) ?? []), value].slice(-longest)
    series.set(name, values)
    const tile = element(`figure-${name}`) ?? addTile(name)
    tile.querySelector('.value').textContent = format(name, value)
    const change = value - values[0]
    tile.querySelector('.change').textContent = change ? `${change > 0 ? '+' : '−'}${format(name, Math.abs(change))} since this page was opened` : 'no change yet'
    draw(tile.querySelector('polyline'), values)
    if (values.length > 1) flash(tile)
  }
}

function addTile(name) {
  const tile = document.createElement('div')
  tile.id = `figure-${name}`
  tile.className = 'figure'
  const chart = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  chart.setAttribute('viewBox', '0 0 100 24')
  chart.setAttribute('preserveAspectRatio', 'none')
  chart.setAttribute('aria-hidden', 'true')
  chart.append(document.createElementNS(chart.namespaceURI, 'polyline'))
  tile.append(text('span', 'name', names[name]), text('b', 'value', ''), text('span', 'change', ''), chart)
  element('figures').append(tile)
  return tile
}

function draw(line, values) {
  const low = Math.min(...values)
  const range = Math.max(...values) - low || 1
  const points = values.length > 1 ? values : [values[0], values[0]]
  line.setAttribute('points', points.map((v, i) => `${(100 * i) / (points.length - 1)},${22 - (20 * (v - low)) / range}`).join(' '))
}

function format(name, value) {
  const digits = name === 'total_revenue' ? 2 : 0
  return value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

async function readNotifications() {
  const { results } = await chelal.get('/api/notifications/', { params: { query: { page_size: 20 } } })
  element('notifications').replaceChildren()
  for (const notification of results.reverse()) showNotification(notification)
}

// The newest is the first.
function showNotification({ id, title, message, created_at, is_read }) {
  if (element(`notification-${id}`)) return
  const item = document.createElement('li')
  item.id = `notification-${id}`
  item.classList.toggle('unread', !is_read)
  const when = text('time', '', new Date(created_at).toLocaleString())
  when.dateTime = created_at
  item.append(text('b', '', title), when, text('p', '', message))
  const list = element('notifications')
  list.prepend(item)
  if (list.children.length > longest) list.lastElementChild.remove()
  flash(item)
  element('none').hidden = true
}

function flash(changed) {
  changed.classList.remove('changed')
  void changed.offsetWidth // so that the animation begins again
  changed.classList.add('changed')
}

function show(signedIn) {
  form.hidden = signedIn
  for (const id of ['news', 'account']) element(id).hidden = !signedIn
  element('none').hidden = false
}

function say(message) {
  const alert = form.querySelector('[role=alert]')
  alert.textContent = message
  alert.hidden = !message
}

function text(tag, name, content) {
  const made = document.createElement(tag)
  made.className = name
  made.textContent = content
  return made
}

function element(id) {
  return document.getElementById(id)
}
