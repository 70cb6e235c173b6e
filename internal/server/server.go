// Package server is the transport: the contract's operations over HTTP, one file a
// resource, named as in the contract.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/google/uuid"
	"github.com/klauspost/compress/gzhttp"
	"github.com/labstack/echo/v4"
	openapi_types "github.com/oapi-codegen/runtime/types"
	"golang.org/x/sync/semaphore"

	"chelal/gen/api"
	"chelal/internal/auditlog"
	"chelal/internal/authn"
	"chelal/internal/callers"
	"chelal/internal/change"
	"chelal/internal/media"
	"chelal/internal/pg"
	"chelal/internal/ratelimit"
	"chelal/internal/realtime"
	"chelal/internal/scheduling"
	"chelal/internal/sync"
)

// Options are what a server is made of. All but the lists, the limits, Replica, Committed, Answered and Jobs are required.
type Options struct {
	DB        pg.DB
	Replica   *pg.Replica // answers what may lag; may be nil
	Now       func() time.Time
	Log       *slog.Logger
	Live      *realtime.Hub // what sockets are told
	Committed func()        // called after each change; may be nil
	// Answered is told of each answer: the method, the route with the names of its variables, the
	// status, and how long it took. It may be nil.
	Answered        func(method, route string, status int, took time.Duration)
	Jobs            http.Handler // the page of the background jobs, under /river/; may be nil
	Hasher          *authn.Hasher
	Tokens          *authn.Tokens
	Secret          []byte   // keys are derived from it, one a purpose
	OldSecrets      [][]byte // still decrypt and verify
	SealKeys        auditlog.Keys
	Media           media.Store
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
	views      *auditlog.Views
	callers    *callers.Callers
	requestKey []byte // of the hashes that tell whether a repeated request is the same
	factors    *authn.Sealer
	links      *media.Links
	addresses  *ratelimit.Limiter[netip.Prefix]
	users      *ratelimit.Limiter[int64]
	inside     *echo.Echo
	desk       *sync.Desk
}

var _ api.StrictServerInterface = (*handlers)(nil)

// Server is the whole HTTP surface: the API, its contract and its documentation.
type Server struct {
	http.Handler
	desk *sync.Desk
}

// WorkSyncBatch carries out what the device of a batch has waiting, through the API's own
// operations.
func (s *Server) WorkSyncBatch(ctx context.Context, batch uuid.UUID) error {
	return s.desk.Work(ctx, batch)
}

// New makes a server. It fails when the contract is not fit to be served, for one when an
// operation has no permission class.
func New(o Options) (*Server, error) {
	changesAtOnce := max(1, pg.Connections(o.DB)/2) // so that reads always find a connection
	o.DB = pg.Joining(o.DB)
	known, err := callers.New(o.DB)
	if err != nil {
		return nil, err
	}
	h := &handlers{
		Options:    o,
		changes:    &change.Store{DB: o.DB, Now: o.Now, Committed: o.Committed, Turns: semaphore.NewWeighted(changesAtOnce)},
		views:      auditlog.NewViews(o.DB),
		callers:    known,
		requestKey: authn.DeriveKey(o.Secret, "idempotency"),
		links:      newLinks(o),
		factors:    authn.NewSealer("two-factor", o.Secret, o.OldSecrets...),
		addresses:  ratelimit.New[netip.Prefix](o.AddressLimit, o.Now),
		users:      ratelimit.New[int64](o.UserLimit, o.Now),
	}
	h.desk = &sync.Desk{Changes: h.changes, Send: h.sendInside, Problem: h.problemInside}
	contract, err := loadContract(o.StrictBodies)
	if err != nil {
		return nil, fmt.Errorf("the contract cannot be served: %w", err)
	}
	e := newEcho(h)
	shown := readShowings(contract)
	operations, err := h.operations(contract, shown)
	if err != nil {
		return nil, fmt.Errorf("the contract cannot be served: %w", err)
	}
	strict := api.NewStrictHandler(h, []api.StrictMiddlewareFunc{h.shareAnswers(contract), refuseNothing, h.recordViews(shown), sendWritten})
	api.RegisterHandlersWithOptions(e, strict, api.RegisterHandlersOptions{OperationMiddlewares: operations})
	h.mountInside(strict, operations)
	mountDocs(e, contract)
	h.mountProbes(e)
	h.mountSockets(e)
	h.mountJobs(e)
	e.GET("/media/*", h.serveMedia)
	compressed, err := gzhttp.NewWrapper(gzhttp.MinSize(compressFrom), gzhttp.ContentTypes(compressible))
	if err != nil {
		return nil, err
	}
	return &Server{Handler: compressed(headAsGet(e)), desk: h.desk}, nil
}

// compressFrom is from how many bytes on an answer is compressed for who takes it so: less is
// one packet anyway.
const compressFrom = 1400

// compressible are the types that get smaller.
var compressible = []string{
	"application/json", "application/problem+json", "application/yaml", "application/javascript", "image/svg+xml",
	"text/html", "text/css", "text/csv", "text/javascript", "text/plain",
}

func newLinks(o Options) *media.Links {
	const purpose = "media-link"
	var old [][]byte
	for _, secret := range o.OldSecrets {
		old = append(old, authn.DeriveKey(secret, purpose))
	}
	return media.NewLinks(authn.DeriveKey(o.Secret, purpose), old...)
}

// today is the hospital's day at midnight UTC, as dates are stored.
func (h *handlers) today() time.Time {
	y, m, d := h.Now().In(h.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// dayStart is when a day begins in the hospital, dayEnd when the next one does.
func (h *handlers) dayStart(day openapi_types.Date) time.Time {
	return scheduling.DayStart(day.Time, h.Zone)
}

func (h *handlers) dayEnd(day openapi_types.Date) time.Time {
	return scheduling.DayStart(day.AddDate(0, 0, 1), h.Zone)
}
