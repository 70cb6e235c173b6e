package authn

import (
	"maps"
	"strings"
	"sync"
	"time"
)

// verifiedAtMost bounds the memory of a server with very many sessions to some megabytes.
const verifiedAtMost = 10_000

// verified remembers tokens whose signature was found right, which costs more than the rest
// of a request's way: a token is verified once a process.
type verified struct {
	sync.RWMutex
	claims map[string]Claims
}

func (v *verified) get(token string) (Claims, bool) {
	v.RLock()
	defer v.RUnlock()
	claims, known := v.claims[token]
	return claims, known
}

// add makes room where there is none: of what has expired, else of everything.
func (v *verified) add(token string, claims Claims, now time.Time) {
	v.Lock()
	defer v.Unlock()
	if len(v.claims) >= verifiedAtMost {
		maps.DeleteFunc(v.claims, func(_ string, c Claims) bool { return !now.Before(c.Expires) })
	}
	if v.claims == nil || len(v.claims) >= verifiedAtMost {
		v.claims = map[string]Claims{}
	}
	v.claims[strings.Clone(token)] = claims // not the whole header that it was cut from
}
