package mail

import (
	"html/template"

	gomail "github.com/wneessen/go-mail"
)

var page = template.Must(template.New("mail").Parse(`<!doctype html>
<html lang="{{.Language}}">
<head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body style="font-family: sans-serif; line-height: 1.5">
<h1 style="font-size: 1.25rem">{{.Subject}}</h1>
<p>{{.Text}}</p>
</body>
</html>
`))

// compose refuses an address that is none; the library encodes headers, so that no text
// begins another one.
func (s *Server) compose(m Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg()
	if err := msg.FromFormat(s.from.Name, s.from.Address); err != nil {
		return nil, err
	}
	if err := msg.To(m.To); err != nil {
		return nil, err
	}
	msg.SetMessageIDWithValue(m.ID)
	msg.SetDateWithValue(m.Date)
	msg.Subject(m.Subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // nobody's absence note answers it
	msg.SetGenHeader("Content-Language", m.Language)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text+"\n")
	return msg, msg.AddAlternativeHTMLTemplate(page, m)
}

// Sender is the domain of whom mails come from, for their ids.
func (s *Server) Sender() string {
	for i := len(s.from.Address) - 1; i >= 0; i-- {
		if s.from.Address[i] == '@' {
			return s.from.Address[i+1:]
		}
	}
	return s.host
}
