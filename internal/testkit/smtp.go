package testkit

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// SMTP is a mail server that keeps what it takes.
type SMTP struct {
	Address string
	// User and Password are what it asks for once the connection is encrypted; it asks
	// nobody when User is empty.
	User, Password string
	// Rcpt and Data answer for the server, when they are set: a refusal is an SMTPError.
	Rcpt func(to string) error
	Data func() error

	mutex sync.Mutex
	mails []Mail
}

// Mail is what an SMTP server took.
type Mail struct{ To, Raw string }

// MailServer starts a mail server for the time of the test. With a certificate it speaks
// TLS after STARTTLS, or from the start when direct.
func MailServer(t testing.TB, certificate *tls.Certificate, direct bool) *SMTP {
	t.Helper()
	kept := &SMTP{}
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &smtpSession{server: kept}, nil }))
	server.Domain = "localhost"
	server.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up are the subject of tests
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
		if direct {
			ln = tls.NewListener(ln, server.TLSConfig)
		}
	}
	kept.Address = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, server.Close())
		if err := <-served; !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			require.NoError(t, err)
		}
	})
	return kept
}

// Refusal is a server's answer that begins with a number.
func Refusal(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "Refused"}
}

// Mails answers what was taken so far.
func (s *SMTP) Mails() []Mail {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]Mail(nil), s.mails...)
}

type smtpSession struct {
	server   *SMTP
	signedIn bool
	to       string
}

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.server.User || password != s.server.Password {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *smtpSession) Reset()        { s.to = "" }
func (s *smtpSession) Logout() error { return nil }

func (s *smtpSession) Mail(string, *smtp.MailOptions) error {
	if s.server.User != "" && !s.signedIn {
		return smtp.ErrAuthRequired
	}
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = to
	if s.server.Rcpt != nil {
		return s.server.Rcpt(to)
	}
	return nil
}

func (s *smtpSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("read a mail: %w", err)
	}
	if s.server.Data != nil {
		if err := s.server.Data(); err != nil {
			return err
		}
	}
	s.server.mutex.Lock()
	defer s.server.mutex.Unlock()
	s.server.mails = append(s.server.mails, Mail{To: s.to, Raw: string(raw)})
	return nil
}
