// The documentation in a browser: signs in at /docs/, tries an operation and sees the answer; then opens every
// page, on a desk in the light and on a telephone in the dark.
import assert from 'node:assert/strict'
import { onPage, picture } from './browser.mjs'

await onPage(async (page) => {
  await page.goto('/docs/')
  await page.locator('#sign-in summary').click()
  await page.getByLabel('Username').fill('nurse')
  await page.getByLabel('Password').fill('wrong')
  await page.locator('#sign-in button').click()
  await page.locator('#sign-in [role=alert]', { hasText: 'No active account found' }).waitFor()
  await page.getByLabel('Password').fill('chelal-demo')
  await page.locator('#sign-in button').click()
  await page.locator('#role', { hasText: 'Nurse' }).waitFor()
  await page.locator('.operation-filter-input').fill('users') // what is far below is drawn when it is scrolled to
  const operation = page.locator('#operations-users-getCurrentUser')
  await operation.locator('.opblock-summary').click()
  await operation.getByRole('button', { name: 'Execute' }).click()
  const answer = operation.locator('.live-responses-table')
  await answer.locator('.response-col_status', { hasText: '200' }).first().waitFor()
  const shown = await answer.locator('.highlight-code').first().innerText()
  assert.match(shown, /"username": "nurse"/)
  await operation.scrollIntoViewIfNeeded()
  await page.screenshot({ path: `${process.argv[3]}/docs-tried.png` })
}, { expected: /401/ })

for (const [colorScheme, viewport] of [['light', { width: 1200, height: 900 }], ['dark', { width: 390, height: 844 }]]) {
  await onPage(async (page) => {
    await page.goto('/docs/guides/')
    const guides = await page.locator('.guides a').evaluateAll((links) => links.map((link) => link.pathname))
    assert.ok(guides.length >= 11)
    for (const path of ['/docs/', '/docs/guides/', ...guides, '/docs/errors/', '/docs/live.html']) {
      await page.goto(path)
      if (path === '/docs/') await page.locator('.opblock').first().waitFor()
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.equal(wide, 0, `${path} is wider than a window of ${viewport.width}`)
      await picture(page, `${path.replaceAll(/\W+/g, '-').replaceAll(/^-|-$/g, '')}-${colorScheme}`)
    }
  }, { colorScheme, viewport })
}
