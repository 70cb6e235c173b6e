package client

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Options changes how a session behaves. The zero value is fine.
type Options struct {
	// HTTP sends the requests; nil is an http.Client that gives up after a minute.
	HTTP HttpRequestDoer
	// LongestWait is how long a busy server (429, 503) is waited for, when it says so; longer
	// waits are the caller's affair. 0 is ten seconds, and a negative one none.
	LongestWait time.Duration
	// Dialer opens sockets; nil is websocket.DefaultDialer.
	Dialer *websocket.Dialer
}

// Session is an account that is signed in. Its methods are those of the operations, and safe
// for use by many goroutines. What is refused is returned as a *ProblemError; the answer of a
// success is in the field of its status, such as JSON200.
type Session struct {
	*ClientWithResponses
	// User is who signed in.
	User   User
	server string
	dialer *websocket.Dialer
}

// Open signs in at the server, as https://hospital.example. With two-factor, a *ProblemError with
// the code otp_required asks for who.Otp.
func Open(ctx context.Context, server string, who SignIn, o Options) (*Session, error) {
	if o.HTTP == nil {
		o.HTTP = &http.Client{Timeout: time.Minute}
	}
	if o.LongestWait == 0 {
		o.LongestWait = 10 * time.Second
	}
	if o.Dialer == nil {
		o.Dialer = websocket.DefaultDialer
	}
	plain := &transport{http: o.HTTP, longestWait: o.LongestWait}
	unsigned, err := NewClientWithResponses(server, WithHTTPClient(plain))
	if err != nil {
		return nil, err
	}
	began, err := unsigned.SignInWithResponse(ctx, who)
	if err != nil {
		return nil, err
	}
	t := &tokens{refresh: func(ctx context.Context, refresh string) (TokenPair, error) {
		answer, err := unsigned.RefreshTokensWithResponse(ctx, Refresh{Refresh: refresh})
		if err != nil {
			return TokenPair{}, err
		}
		return *answer.JSON200, nil
	}}
	t.set(TokenPair{Access: began.JSON200.Access, Refresh: began.JSON200.Refresh})
	signed, err := NewClientWithResponses(server, WithHTTPClient(&transport{http: o.HTTP, longestWait: o.LongestWait, tokens: t}))
	if err != nil {
		return nil, err
	}
	return &Session{ClientWithResponses: signed, User: began.JSON200.User, server: strings.TrimSuffix(server, "/"), dialer: o.Dialer}, nil
}

// Close signs out: the session's tokens are worth nothing from then on.
func (s *Session) Close(ctx context.Context) error {
	_, err := s.SignOutWithResponse(ctx, &SignOutParams{})
	return err
}
