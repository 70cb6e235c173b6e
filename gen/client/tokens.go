package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"sync"
	"time"
)

// tokens are the pair of a session. A refresh token is worth nothing as soon as its
// successor is used, so that there is one exchange at a time.
type tokens struct {
	refresh func(ctx context.Context, refresh string) (TokenPair, error)

	mu      sync.Mutex
	pair    TokenPair
	renewAt time.Time
	// exchange is under way while it is not nil; it is closed when there is a new pair or
	// failed says why not.
	exchange chan struct{}
	failed   error
}

// set begins with a pair. The access token is renewed a minute before it expires, or at half
// the life of a short one; its life is counted from now, so that a wrong clock here does no
// harm.
func (t *tokens) set(pair TokenPair) {
	t.pair = pair
	var claims struct{ Iat, Exp int64 }
	parts := strings.Split(pair.Access, ".")
	if len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1]) // a token that cannot be read is renewed at once
		_ = json.Unmarshal(payload, &claims)
	}
	life := time.Duration(claims.Exp-claims.Iat) * time.Second
	t.renewAt = time.Now().Add(max(life-time.Minute, life/2))
}

// access is the access token; one that is about to expire, or that was refused, is exchanged
// before.
func (t *tokens) access(ctx context.Context, refused string) (string, error) {
	for {
		t.mu.Lock()
		access := t.pair.Access
		if access != refused && time.Now().Before(t.renewAt) {
			t.mu.Unlock()
			return access, nil
		}
		if t.exchange == nil {
			t.exchange, t.failed = make(chan struct{}), nil
			go t.renew(context.WithoutCancel(ctx), t.pair.Refresh)
		}
		exchange := t.exchange
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-exchange:
		}
		t.mu.Lock()
		err := t.failed
		t.mu.Unlock()
		if err != nil {
			return "", err
		}
	}
}

// renew goes on when the request that asked for it is given up: others wait too, and the
// token that was sent may be used up.
func (t *tokens) renew(ctx context.Context, refresh string) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	pair, err := t.refresh(ctx, refresh)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed = err; err == nil {
		t.set(pair)
	}
	close(t.exchange)
	t.exchange = nil
}
