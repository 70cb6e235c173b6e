// What differs from run to run: names, and a day to come.
if (!pm.collectionVariables.get('run')) {
  const run = Date.now().toString(36)
  pm.collectionVariables.set('run', run)
  pm.collectionVariables.set('member', 'member-' + run)
  pm.collectionVariables.set('day', new Date(Date.now() + 30 * 86400000).toISOString().slice(0, 10))
}
