package mail_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"chelal/internal/mail"
	"chelal/internal/testkit"
)

var message = mail.Message{
	ID: "mail-1@hospital.example", Date: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), To: "patient@example.org",
	Language: "fr", Subject: "Rendez-vous fixé\r\nBcc: other@example.org", Text: "Un <b>texte</b>",
}

func server(t *testing.T, s *testkit.SMTP, security string) *mail.Server {
	t.Helper()
	server, err := mail.New("smtp://"+s.Address+"?tls="+security, "Hospital <desk@hospital.example>")
	require.NoError(t, err)
	return server
}

// certificate is one for 127.0.0.1, and who vouches for it.
func certificate(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	roots := x509.NewCertPool()
	roots.AddCert(web.Certificate())
	return &web.TLS.Certificates[0], roots
}

func TestAMailIsTextAndHTMLAndItsHeadersAreItsOwn(t *testing.T) {
	t.Parallel()
	taking := testkit.MailServer(t, nil, false)
	require.NoError(t, server(t, taking, "none").Send(t.Context(), message))
	mails := taking.Mails()
	require.Len(t, mails, 1)
	require.Equal(t, "patient@example.org", mails[0].To)
	raw := mails[0].Raw
	require.Contains(t, raw, "Message-ID: <mail-1@hospital.example>")
	require.Contains(t, raw, "text/plain")
	require.Contains(t, raw, "text/html")
	require.Contains(t, raw, "&lt;b&gt;")
	headers, _, _ := strings.Cut(raw, "\r\n\r\n")
	require.NotContains(t, strings.ToLower(headers), "\nbcc:")

	injected := message
	injected.To = "patient@example.org\r\nBcc: other@example.org"
	require.Equal(t, &mail.Failure{Reason: "message", Permanent: true}, server(t, taking, "none").Send(t.Context(), injected))
	require.Len(t, taking.Mails(), 1)
}

func TestTheServersCertificateIsVerified(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	for _, security := range []string{"starttls", "tls"} {
		taking := testkit.MailServer(t, cert, security == "tls")
		s := server(t, taking, security)
		require.Equal(t, &mail.Failure{Reason: "certificate"}, s.Send(t.Context(), message), "nobody vouches for it")
		s.Roots = roots
		require.NoError(t, s.Send(t.Context(), message), security)
		require.Len(t, taking.Mails(), 1)
	}
	plain := testkit.MailServer(t, nil, false)
	require.Equal(t, &mail.Failure{Reason: "connection"}, server(t, plain, "starttls").Send(t.Context(), message), "nothing is sent in plain text")
	require.Empty(t, plain.Mails())
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	cert, roots := certificate(t)
	for _, security := range []string{"starttls", "tls"} {
		asking := testkit.MailServer(t, cert, security == "tls")
		asking.User, asking.Password = "desk@hospital.example", "p/ss:w rd"
		for password, want := range map[string]error{"p%2Fss%3Aw%20rd": nil, "wrong": &mail.Failure{Reason: "535"}} {
			s, err := mail.New("smtp://desk%40hospital.example:"+password+"@"+asking.Address+"?tls="+security, "desk@hospital.example")
			require.NoError(t, err)
			s.Roots = roots
			require.Equal(t, want, s.Send(t.Context(), message))
		}
		require.Len(t, asking.Mails(), 1, security)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rcpt, data int
		want       mail.Failure
	}{
		{rcpt: 450, want: mail.Failure{Reason: "450"}},
		{rcpt: 550, want: mail.Failure{Reason: "550", Permanent: true}},
		{data: 451, want: mail.Failure{Reason: "451"}},
		{data: 554, want: mail.Failure{Reason: "554", Permanent: true}},
	} {
		refusing := testkit.MailServer(t, nil, false)
		if c.rcpt != 0 {
			refusing.Rcpt = func(string) error { return testkit.Refusal(c.rcpt) }
		} else {
			refusing.Data = func() error { return testkit.Refusal(c.data) }
		}
		require.Equal(t, &c.want, server(t, refusing, "none").Send(t.Context(), message))
	}
}

func TestASilentServerIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, atTheEnd := range []bool{false, true} {
		release := make(chan struct{})
		silent := testkit.MailServer(t, nil, false)
		if atTheEnd {
			silent.Data = func() error { <-release; return nil }
		} else {
			silent.Rcpt = func(string) error { <-release; return nil }
		}
		s := server(t, silent, "none")
		s.Timeout = 200 * time.Millisecond
		err := s.Send(t.Context(), message)
		close(release)
		require.Equal(t, &mail.Failure{Reason: "no_answer", Unknown: atTheEnd}, err)
	}
}

func TestAddressesOfServersAreChecked(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "host", "http://host", "smtp://", "smtp://h?tls=maybe", "smtp://h:99999", "smtp://h/x", "smtp://u:secret@h?tls=none"} {
		_, err := mail.New(address, "a@example.org")
		require.Error(t, err, address)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := mail.New("smtp://u:p@h", "nobody")
	require.ErrorIs(t, err, mail.ErrFrom)
	require.Empty(t, mail.Address("a@example.org, 0712 000000"))
	require.Equal(t, "a@example.org", mail.Address("a@example.org"))
}
