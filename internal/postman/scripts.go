package main

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// signInScript signs in the account of a request when it has no session that is still fresh.
//
//go:embed signin.js
var signInScript string

// beginScript runs before every request.
//
//go:embed begin.js
var beginScript string

// schemaScript reads the schemas of the contract.
const schemaScript = `const schemas = JSON.parse(pm.collectionVariables.get('schemas'))`

// oneTimeCode computes what an authenticator shows now, after RFC 6238.
const oneTimeCode = `const { enc, HmacSHA1 } = require('crypto-js')
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const bits = [...pm.collectionVariables.get('secret')].map((c) => alphabet.indexOf(c).toString(2).padStart(5, '0')).join('')
const key = bits.match(/.{8}/g).map((b) => parseInt(b, 2).toString(16).padStart(2, '0')).join('')
const counter = Math.floor(Date.now() / 30000).toString(16).padStart(16, '0')
const hash = HmacSHA1(enc.Hex.parse(counter), enc.Hex.parse(key)).toString()
const at = parseInt(hash.slice(-1), 16) * 2
pm.collectionVariables.set('otp', String((parseInt(hash.substr(at, 8), 16) & 0x7fffffff) % 1000000).padStart(6, '0'))`

// signedOut forgets the session of the member, which has ended.
const signedOut = `const sessions = JSON.parse(pm.collectionVariables.get('sessions'))
delete sessions.member
pm.collectionVariables.set('sessions', JSON.stringify(sessions))`

// untilReady asks again while the file is being written.
const untilReady = `if (['queued', 'running'].includes(answer.status)) {
  setTimeout(() => {}, 250)
  pm.execution.setNextRequest(pm.info.requestName)
}`

// recorded are n patients that a device has recorded.
func recorded(n int) string {
	return fmt.Sprintf(`const operations = Array.from({ length: %d }, (_, i) => ({
  op_id: pm.variables.replaceIn('{{$guid}}'), entity: 'patients', action: 'create',
  data: { first_name: 'Jane', last_name: 'Recorded ' + i, date_of_birth: '1990-01-15', gender: 'F' },
}))
pm.collectionVariables.set('operations', JSON.stringify(operations))`, n)
}

func beforeScript(s step, public bool) string {
	var parts []string
	if !public && s.header["Authorization"] == "" {
		account := s.as
		if account == "" {
			account = "admin"
		}
		parts = append(parts, fmt.Sprintf("const account = '%s'\n%s", account, strings.TrimSpace(signInScript)))
	}
	if s.before != "" {
		parts = append(parts, s.before)
	}
	return strings.Join(parts, "\n")
}

func testScript(s step, status int, schema string) string {
	lines := []string{fmt.Sprintf("pm.test('answers %d', () => pm.response.to.have.status(%d))", status, status)}
	if schema != "" {
		lines = append(lines, schemaScript,
			fmt.Sprintf("pm.test('as the contract says', () => pm.response.to.have.jsonSchema({ ...schemas, $ref: '#/definitions/%s' }))", schema))
	}
	if len(s.save) > 0 || s.after != "" {
		lines = append(lines, "const answer = pm.response.json()")
	}
	for _, name := range slices.Sorted(maps.Keys(s.save)) {
		lines = append(lines, fmt.Sprintf("pm.collectionVariables.set('%s', %s)", name, s.save[name]))
	}
	if s.after != "" {
		lines = append(lines, s.after)
	}
	return strings.Join(lines, "\n")
}
