// What the browser tests have in common: Chromium without a window, and a page that must not complain.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const [base, screenshots] = process.argv.slice(2)

/** Runs work on a new page, and fails when the browser had to complain of something that was not expected. */
export async function onPage(work, { expected = /^$/, ...options } = {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ baseURL: base, viewport: { width: 1200, height: 900 }, ...options })
    const complaints = []
    const complain = (text) => expected.test(text) || complaints.push(text)
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complain(message.text()))
    page.on('pageerror', (error) => complain(String(error)))
    page.setDefaultTimeout(30_000)
    await work(page).catch(async (error) => {
      await picture(page, 'failed').catch(() => {})
      throw error
    })
    assert.deepEqual(complaints, [])
  } finally {
    await browser.close()
  }
}

/** Keeps what the page looks like, for people. */
export const picture = (page, name) => page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true })

/** An operation as an account of the demo data. */
export async function as(username) {
  const ask = async (method, path, body, headers = {}) => {
    const response = await fetch(base + path, { method, headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const { access, user } = await ask('POST', '/api/auth/', { username, password: 'chelal-demo' })
  return { user, ask: (method, path, body) => ask(method, path, body, { Authorization: `Bearer ${access}` }) }
}
