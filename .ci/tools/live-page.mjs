// The page /docs/live.html in a browser: a doctor signs in and watches a receptionist at work.
import assert from 'node:assert/strict'
import { as, onPage, picture } from './browser.mjs'

for (const colorScheme of ['light', 'dark']) {
  await onPage(watch, { colorScheme, viewport: colorScheme === 'dark' ? { width: 390, height: 844 } : { width: 1200, height: 900 } })

  async function watch(page) {
    await page.goto('/docs/live.html')
    await picture(page, `live-signed-out-${colorScheme}`)
    await page.getByLabel('Username').fill('doctor')
    await page.getByLabel('Password').fill('chelal-demo')
    await page.getByRole('button', { name: 'Sign in' }).click()
    for (const topic of ['dashboard', 'notifications']) await page.locator(`[data-topic=${topic}][data-state=open]`).waitFor()
    const patients = page.locator('#figure-total_patients .value')
    const number = async () => Number((await patients.innerText()).replaceAll(/\D/g, ''))
    await patients.waitFor()
    const before = await number()

    const { ask } = await as('receptionist')
    const { user } = await as('doctor')
    const patient = await ask('POST', '/api/patients/', { first_name: 'Jane', last_name: `Seen ${colorScheme}`, date_of_birth: '1990-01-15', gender: 'F' })
    await page.waitForFunction((value) => Number(document.querySelector('#figure-total_patients .value').textContent.replaceAll(/\D/g, '')) > value, before)
    assert.equal(await number(), before + 1)
    assert.equal(await page.locator('#figure-total_patients .change').innerText(), '+1 since this page was opened')

    const told = page.locator('#notifications li', { hasText: `Seen ${colorScheme}` })
    assert.equal(await told.count(), 0)
    await ask('POST', '/api/appointments/', { patient: patient.id, doctor: user.id, date: '2030-06-04', time: colorScheme === 'dark' ? '09:00' : '10:00' })
    await told.waitFor()
    assert.equal(await told.count(), 1)
    await picture(page, `live-${colorScheme}`)

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Password').waitFor()
    assert.equal(await page.locator('#notifications li').count(), 0)
  }
}

await onPage(async (page) => {
  await page.goto('/docs/live.html')
  await page.getByLabel('Username').fill('patient')
  await page.getByLabel('Password').fill('chelal-demo')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.locator('[data-topic=notifications][data-state=open]').waitFor()
  await page.locator('[data-topic=dashboard][data-state=closed]', { hasText: 'Your role does not allow this.' }).waitFor()
}, { expected: /403/ })
