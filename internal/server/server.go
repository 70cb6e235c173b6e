// Package server is the transport: the contract's operations over HTTP, one file a
// resource, named as in the contract.
package server

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"chelal/gen/api"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/pg"
	"chelal/internal/ratelimit"
	"chelal/internal/realtime"
)

// Options are what a server is made of. All but the lists, the limits and Committed are required.
type Options struct {
	DB              pg.DB
	Now             func() time.Time
	Log             *slog.Logger
	Live            *realtime.Hub // what sockets are told
	Committed       func()        // called after each change; may be nil
	Hasher          *authn.Hasher
	Tokens          *authn.Tokens
	Secret          []byte // keys are derived from it, one a purpose
	RefreshLifetime time.Duration
	Zone            *time.Location // the hospital's
	Version         string
	StrictBodies    bool  // refuse unknown properties and query parameters
	MaxBody         int64 // bytes
	AllowedHosts    []string
	CORSOrigins     []string
	TrustedProxies  []netip.Prefix
	AddressLimit    ratelimit.Limit // requests of one address
	UserLimit       ratelimit.Limit // requests of one user, whatever the address
}

// handlers implements the operations of the contract.
type handlers struct {
	Options
	changes    *change.Store
	requestKey []byte // of the hashes that tell whether a repeated request is the same
	addresses  *ratelimit.Limiter[netip.Prefix]
	users      *ratelimit.Limiter[int64]
}

var _ api.StrictServerInterface = (*handlers)(nil)

// New returns the whole HTTP surface: the API, its contract and its documentation. It
// fails when the contract is not fit to be served, for one when an operation has no
// permission class.
func New(o Options) (http.Handler, error) {
	h := &handlers{
		Options:    o,
		changes:    &change.Store{DB: o.DB, Now: o.Now, Committed: o.Committed},
		requestKey: authn.DeriveKey(o.Secret, "idempotency"),
		addresses:  ratelimit.New[netip.Prefix](o.AddressLimit, o.Now),
		users:      ratelimit.New[int64](o.UserLimit, o.Now),
	}
	contract, err := loadContract(o.StrictBodies)
	if err != nil {
		return nil, fmt.Errorf("the contract cannot be served: %w", err)
	}
	e := newEcho(h)
	operations, err := h.operations(contract)
	if err != nil {
		return nil, fmt.Errorf("the contract cannot be served: %w", err)
	}
	strict := api.NewStrictHandler(h, []api.StrictMiddlewareFunc{refuseNothing, replayStored})
	api.RegisterHandlersWithOptions(e, strict, api.RegisterHandlersOptions{OperationMiddlewares: operations})
	mountDocs(e, contract)
	h.mountProbes(e)
	h.mountSockets(e)
	return headAsGet(e), nil
}

// today is the hospital's day at midnight UTC, as dates are stored.
func (h *handlers) today() time.Time {
	y, m, d := h.Now().In(h.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
