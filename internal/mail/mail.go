// Package mail writes e-mails and hands them to the SMTP server of the configuration.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/mail"
	"net/url"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// Server is the SMTP server that takes the mails.
type Server struct {
	// Roots sign the server's certificate; without any, those of the system.
	Roots *x509.CertPool
	// Timeout is how long the server may take over one mail.
	Timeout time.Duration

	host     string
	port     int
	user     string
	password string
	security string
	from     mail.Address
}

// The values of tls in the address of a server.
const (
	startTLS  = "starttls" // in plain text until the server has agreed to encrypt, and no further without
	directTLS = "tls"
	noTLS     = "none"
)

var ports = map[string]int{startTLS: 587, directTLS: 465, noTLS: 25}

// New reads the address of a server, as smtp://user:password@host:587?tls=starttls, and
// whom the mails come from. Its errors are for the operator and quote neither.
func New(address, from string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "smtp" || u.Hostname() == "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("must be smtp://user:password@host:port?tls=starttls, with special characters of the password percent-encoded")
	}
	s := &Server{Timeout: 30 * time.Second, host: u.Hostname(), user: u.User.Username(), security: startTLS}
	s.password, _ = u.User.Password()
	for name, values := range u.Query() {
		if name != "tls" || len(values) != 1 || ports[values[0]] == 0 {
			return nil, errors.New("may end with ?tls=starttls, ?tls=tls or ?tls=none and nothing else")
		}
		s.security = values[0]
	}
	if s.security == noTLS && s.user != "" {
		return nil, errors.New("must not have tls=none together with a password, which would be readable on its way")
	}
	s.port = ports[s.security]
	if u.Port() != "" {
		if s.port, err = strconv.Atoi(u.Port()); err != nil || s.port < 1 || s.port > 65535 {
			return nil, errors.New("must have a port from 1 to 65535")
		}
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, ErrFrom
	}
	s.from = *sender
	return s, nil
}

// ErrFrom is New's error when it is not the server but the sender that is wrong.
var ErrFrom = errors.New("must be whom mails come from, as Hospital <desk@hospital.example>")

// Message is one e-mail.
type Message struct {
	// ID is what servers know the mail by; sent again it is the same.
	ID   string
	Date time.Time
	To   string
	// Language is the text's, for those who listen to it.
	Language, Subject, Text string
}

// Address returns s when it is an e-mail address and nothing else, else "".
func Address(s string) string {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 {
		return ""
	}
	return s
}

// Send hands a mail over. Unless it returns nil, its error is a *Failure.
func (s *Server) Send(ctx context.Context, m Message) error {
	msg, err := s.compose(m)
	if err != nil {
		return &Failure{Reason: "message", Permanent: true}
	}
	client, err := s.client()
	if err != nil {
		return &Failure{Reason: "configuration"}
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return notConnected(err)
	}
	err = client.Send(msg)
	_ = client.Close() // what the server says of a farewell changes nothing
	if msg.IsDelivered() {
		return nil
	}
	return failure(err)
}

func (s *Server) client() (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.Timeout),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch s.security {
	case startTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case directTLS:
		options = append(options, gomail.WithSSL())
	case noTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.user != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.user), gomail.WithPassword(s.password))
	}
	return gomail.NewClient(s.host, options...)
}
