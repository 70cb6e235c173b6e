package server

import (
	"context"
	"errors"
	"net/url"

	"github.com/jackc/pgx/v5"
)

type (
	addressKey struct{}
	bodyKey    struct{}
)

// address is how the caller wrote the request's URL, for the links of a list.
type address struct {
	base  string
	path  string
	query string
}

func withAddress(ctx context.Context, base string, u *url.URL) context.Context {
	return context.WithValue(ctx, addressKey{}, address{base, u.Path, u.RawQuery})
}

func addressFrom(ctx context.Context) address {
	a, _ := ctx.Value(addressKey{}).(address)
	return a
}

// with returns the URL with one query parameter set, or removed when value is empty and
// the parameter is not the cursor.
func (a address) with(name, value string) string {
	query := a.values()
	query.Del("page")
	query.Del("cursor")
	if value != "" {
		query.Set(name, value)
	}
	if len(query) == 0 {
		return a.base + a.path
	}
	return a.base + a.path + "?" + query.Encode()
}

// values are the query's parameters; one that does not parse has been refused before.
func (a address) values() url.Values {
	values, _ := url.ParseQuery(a.query)
	return values
}

func withBody(ctx context.Context, body []byte) context.Context {
	return context.WithValue(ctx, bodyKey{}, body)
}

func bodyFrom(ctx context.Context) []byte {
	body, _ := ctx.Value(bodyKey{}).([]byte)
	return body
}

func isMissing(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
