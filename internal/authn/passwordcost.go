package authn

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
)

// cost is the work that one hash takes: rounds of PBKDF2, or one argon2id.
type cost struct {
	rounds int
	argon  argon2id // without the sizes, which cost nothing
}

// costOf reads the cost of a hash, which is all of it that comes before the salt; ok is
// false when nothing can verify against it.
func costOf(encoded string) (c cost, ok bool) {
	parts := strings.Split(encoded, "$")
	if parts[0] == "pbkdf2_sha256" && len(parts) > 1 {
		rounds, err := strconv.ParseUint(parts[1], 10, 32)
		if err != nil || rounds < 1 || rounds > maxIterations {
			return cost{}, false
		}
		return cost{rounds: int(rounds)}, true
	}
	if len(parts) < 4 || parts[0] != "" && parts[0] != "argon2" || parts[1] != "argon2id" {
		return cost{}, false
	}
	a, ok := parseParameters(parts[3])
	if !ok || !a.affordable() {
		return cost{}, false
	}
	return cost{argon: a}, true
}

// remaining is the work by which a check that cost done falls short of one that costs
// every form in use: the missing rounds of PBKDF2, and every other kind of argon2id.
func remaining(done string, inUse []string) (rounds int, argon []argon2id) {
	own, _ := costOf(done)
	for _, form := range append([]string{todaysForm}, inUse...) {
		c, ok := costOf(form)
		if !ok {
			continue
		}
		rounds = max(rounds, c.rounds)
		if c.rounds == 0 && c.argon != own.argon && !slices.Contains(argon, c.argon) {
			argon = append(argon, c.argon)
		}
	}
	return max(0, rounds-own.rounds), argon
}

// spend does that work on a password, to no other end.
func spend(password string, rounds int, argon []argon2id) {
	if rounds > 0 {
		_, _ = pbkdf2.Key(sha256.New, password, dummySalt, rounds, sha256.Size)
	}
	for _, a := range argon {
		a.sumSize = today.sumSize
		a.sum(password, dummySalt)
	}
}

var todaysForm = strings.Join(strings.SplitN(today.encode(nil, nil), "$", 5)[:4], "$")
