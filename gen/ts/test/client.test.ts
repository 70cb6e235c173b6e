// Runs against a server whose access tokens live for two seconds; CHELAL_URL says where, and the accounts
// are those of `chelal dev`.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Chelal, type ChelalOptions, ConnectionError, inMemory, type LiveEvent, type Patient, ProblemError } from 'chelal-client'

const baseUrl = process.env['CHELAL_URL']!
const password = 'chelal-demo'
const jane = { first_name: 'Jane', last_name: 'Smith', date_of_birth: '1990-01-15', gender: 'F' } as const
const janes = { params: { query: { search: 'jane smith' } } }

/** A client, and the requests that it sends. */
function watched(options: ChelalOptions = {}, answer: (request: Request, nth: number) => Promise<Response> | undefined = () => undefined) {
  const sent: Request[] = []
  const fetch = async (request: Request) => {
    sent.push(request.clone())
    return answer(request, sent.length) ?? globalThis.fetch(request)
  }
  return { chelal: new Chelal({ baseUrl, fetch, ...options }), sent, times: (path: string) => sent.filter(({ url }) => url.endsWith(path)).length }
}

async function signedIn(username: string, options: ChelalOptions = {}) {
  const w = watched(options)
  await w.chelal.signIn({ username, password })
  return w
}

const code = (wanted: string) => (error: unknown) => error instanceof ProblemError && error.code === wanted

test('an answer has the type of its operation', async () => {
  const { chelal } = await signedIn('receptionist')
  const made: Patient = await chelal.post('/api/patients/', { body: { ...jane, last_name: 'Typed' } })
  const read = await chelal.get('/api/patients/{id}/', { params: { path: { id: made.id } } })
  assert.equal(read.last_name.toUpperCase(), 'TYPED')
  // @ts-expect-error there is no such path
  await assert.rejects(chelal.get('/api/nothing/'), { status: 404 })
  // @ts-expect-error there is no such property
  await assert.rejects(chelal.post('/api/patients/', { body: { ...jane, colour: 'red' } }), code('invalid'))
  // @ts-expect-error a filter of the contract's words
  await assert.rejects(chelal.get('/api/appointments/', { params: { query: { status: 'lost' } } }), code('invalid'))
  // @ts-expect-error an id is wanted
  await assert.rejects(chelal.get('/api/patients/{id}/'))
  const nothing: void = await chelal.post('/api/auth/logout/')
  assert.equal(nothing, undefined)
})

test('a problem is thrown with all that it says', async () => {
  const { chelal } = await signedIn('receptionist')
  const error = await chelal.post('/api/patients/', { body: { ...jane, first_name: '', date_of_birth: '2023-02-30' } }).catch((e: unknown) => e)
  assert.ok(error instanceof ProblemError)
  assert.equal(error.status, 400)
  assert.deepEqual(Object.keys(error.fields).sort(), ['date_of_birth', 'first_name'])
  await assert.rejects(new Chelal({ baseUrl }).get('/api/patients/'), code('not_authenticated'))
  await assert.rejects(new Chelal({ baseUrl }).signIn({ username: 'receptionist', password: 'wrong' }), { status: 401 })
  await assert.rejects(new Chelal({ baseUrl: 'http://127.0.0.1:9' }).patch('/api/profile/', { body: {} }), ConnectionError)
  const page = new Chelal({ baseUrl, fetch: async () => new Response('<h1>Bad Gateway</h1>', { status: 502, headers: { 'Content-Type': 'text/html' } }) })
  await assert.rejects(page.get('/api/health/'), { status: 502, code: 'unexpected' })
})

test('tokens are renewed in time, once for all that ask at once', async () => {
  const { chelal, times } = await signedIn('nurse')
  for (let round = 1; round <= 3; round++) {
    await sleep(1100) // more than half of their life
    await Promise.all(Array.from({ length: 20 }, () => chelal.get('/api/users/me/')))
    assert.equal(times('/api/auth/refresh/'), round)
  }
})

test('a token that is refused is renewed, and the request repeated', async () => {
  const tokens = inMemory()
  const { chelal, times } = await signedIn('receptionist', { tokens })
  const { access, refresh } = tokens.load()!
  tokens.save({ access: access.slice(0, -8) + 'AAAAAAAA', refresh })
  const made = await Promise.all(Array.from({ length: 5 }, (_, i) => chelal.post('/api/patients/', { body: { ...jane, last_name: `Refused ${i}` } })))
  assert.equal(new Set(made.map(({ id }) => id)).size, 5)
  assert.equal(times('/api/auth/refresh/'), 1)
})

test('an ended session is told once, and signs out', async () => {
  const tokens = inMemory()
  const ended: string[] = []
  const { chelal } = await signedIn('nurse', { tokens, onSignedOut: ({ code }) => ended.push(code) })
  tokens.save({ ...tokens.load()!, refresh: 'not-a-refresh-token' })
  await sleep(1100)
  await Promise.all(Array.from({ length: 5 }, () => assert.rejects(chelal.get('/api/users/me/'), { status: 401 })))
  assert.equal(ended.length, 1)
  assert.equal(tokens.load(), null)
})

test('signing out is final', async () => {
  const tokens = inMemory()
  const { chelal } = await signedIn('nurse', { tokens })
  const { access } = tokens.load()!
  await chelal.signOut()
  assert.equal(tokens.load(), null)
  const answer = await fetch(new URL('/api/users/me/', baseUrl), { headers: { Authorization: `Bearer ${access}` } })
  assert.equal(answer.status, 401)
})

test('a request whose answer is lost is repeated under its key, and done once', async () => {
  const { chelal, sent } = watched({}, (request, nth) =>
    nth === 2 ? fetch(request).then(() => Promise.reject(new TypeError('the line broke'))) : undefined)
  await chelal.signIn({ username: 'receptionist', password })
  const made = await chelal.post('/api/patients/', { body: { ...jane, last_name: 'Once' } })
  const keys = sent.filter(({ url }) => url.endsWith('/api/patients/')).map(({ headers }) => headers.get('Idempotency-Key'))
  assert.equal(keys.length, 2)
  assert.ok(keys[0])
  assert.equal(keys[0], keys[1])
  const found = await chelal.get('/api/patients/', { params: { query: { search: 'jane once' } } })
  assert.deepEqual(found.results.map(({ id }) => id), [made.id])
})

test('a busy server is asked again when it says so, within reason', async () => {
  const busy = (after: string) => Promise.resolve(new Response('{}', { status: 503, headers: { 'Retry-After': after } }))
  const { chelal, sent } = watched({}, (_, nth) => (nth <= 2 ? busy('0') : undefined))
  assert.equal((await chelal.get('/api/health/')).status, 'healthy')
  assert.equal(sent.length, 3)
  const later = watched({}, () => busy('60'))
  await assert.rejects(later.chelal.get('/api/health/'), { status: 503, retryAfter: 60 })
  assert.equal(later.sent.length, 1)
  const change = watched({}, () => busy('0'))
  await assert.rejects(change.chelal.patch('/api/profile/', { body: {} }), { status: 503 })
  assert.equal(change.sent.length, 1, 'it may have been made')
})

test('a list is walked through to its end', async () => {
  const { chelal, times } = await signedIn('admin')
  const ids = new Set<number>()
  for await (const patient of chelal.all('/api/patients/', { page_size: 7 })) ids.add(patient.id)
  const { count } = await chelal.get('/api/patients/')
  assert.equal(ids.size, count)
  assert.ok(ids.size > 14)
  assert.equal(times('cursor='), 1)
  for await (const { role } of chelal.all('/api/users/', { role: 'Doctor' })) assert.equal(role?.name, 'Doctor')
  const { results } = await chelal.get('/api/patients/', janes)
  for await (const { id } of chelal.all('/api/patients/', janes.params.query)) assert.equal(id, results.shift()!.id)
})

test('news come live, each once, also over a broken line', async () => {
  const lines: WebSocket[] = []
  class Watched extends WebSocket {
    constructor(url: string | URL) {
      super(url)
      lines.push(this)
    }
  }
  const { chelal } = await signedIn('receptionist', { WebSocket: Watched as typeof WebSocket })
  const doctor = (await chelal.get('/api/users/', { params: { query: { role: 'Doctor' } } })).results[0]!
  const patient = await chelal.post('/api/patients/', { body: { ...jane, last_name: 'Live' } })
  const book = (date: string) => chelal.post('/api/appointments/', { body: { patient: patient.id, doctor: doctor.id, date, time: '10:00' } })

  const stop = new AbortController()
  const states: string[] = []
  const heard: number[] = []
  const booked: number[] = []
  for await (const event of chelal.live('appointments', { signal: stop.signal, onState: (state) => states.push(state) })) {
    if (event.type === 'ready' && booked.length === 0) booked.push((await book('2030-07-03')).id)
    if (event.type !== 'appointment.created' || event.data.patient !== patient.id) continue
    heard.push(event.data.appointment)
    if (heard.length === 1) {
      lines[0]!.close()
      booked.push((await book('2030-07-04')).id)
    } else stop.abort()
  }
  assert.deepEqual(heard, booked)
  assert.equal(lines.length, 2)
  assert.deepEqual(states.filter((state, i) => state !== states[i - 1]), ['connecting', 'open', 'waiting', 'connecting', 'open'])
})

test('listening fails where it is not allowed', async () => {
  const first = (events: AsyncGenerator<LiveEvent<'dashboard'>>) => events.next()
  await assert.rejects(first((await signedIn('patient')).chelal.live('dashboard')), { status: 403 })
  await assert.rejects(first(new Chelal({ baseUrl }).live('dashboard')), { status: 401 })
})

test('the figures of the dashboard come and move', async () => {
  const { chelal } = await signedIn('receptionist')
  let before: number | undefined
  for await (const event of chelal.live('dashboard')) {
    if (event.type !== 'figures' || event.data.total_patients === undefined) continue
    if (before !== undefined) {
      assert.ok(event.data.total_patients > before)
      break
    }
    before = event.data.total_patients
    await chelal.post('/api/patients/', { body: { ...jane, last_name: 'Figure' } })
  }
})
