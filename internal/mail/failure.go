package mail

import (
	"crypto/tls"
	"errors"
	"net/textproto"
	"strconv"

	gomail "github.com/wneessen/go-mail"
)

// Failure is why a mail was not sent. It says nothing of what the server wrote, which may
// quote the address.
type Failure struct {
	// Reason is a word, or the number of the server's answer.
	Reason string
	// Permanent says that to try again is of no use.
	Permanent bool
	// Unknown says that the server had the whole mail and then fell silent: it may have
	// taken it.
	Unknown bool
}

func (f *Failure) Error() string { return "the mail was not sent: " + f.Reason }

// notConnected is why there was nobody to take the mail. Nothing of it is for good: a wrong
// password is put right by the operator.
func notConnected(err error) *Failure {
	if refused, ok := errors.AsType[*textproto.Error](err); ok {
		return &Failure{Reason: strconv.Itoa(refused.Code)}
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return &Failure{Reason: "certificate"}
	}
	return &Failure{Reason: "connection"}
}

func failure(err error) *Failure {
	refused, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return &Failure{Reason: "connection"}
	}
	if code := refused.ErrorCode(); code >= 400 {
		return &Failure{Reason: strconv.Itoa(code), Permanent: code >= 500}
	}
	return &Failure{Reason: "no_answer", Unknown: refused.Reason == gomail.ErrSMTPDataClose}
}
