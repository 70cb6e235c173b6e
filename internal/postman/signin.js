const sessions = JSON.parse(pm.collectionVariables.get('sessions') || '{}')
if (sessions[account] && sessions[account].until > Date.now()) {
  pm.variables.set('access', sessions[account].access)
} else {
  pm.sendRequest({
    url: pm.variables.replaceIn('{{baseUrl}}/api/auth/'),
    method: 'POST',
    header: { 'Content-Type': 'application/json' },
    body: { mode: 'raw', raw: JSON.stringify({ username: pm.variables.replaceIn('{{' + account + '}}'), password: pm.variables.replaceIn('{{password}}') }) },
  }, (error, response) => {
    if (error || response.code !== 200) throw new Error('cannot sign in as ' + account + ': ' + (error || response.text()))
    sessions[account] = { access: response.json().access, until: Date.now() + 600000 }
    pm.collectionVariables.set('sessions', JSON.stringify(sessions))
    pm.variables.set('access', sessions[account].access)
  })
}
