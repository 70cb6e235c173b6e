package server

import (
	"context"
	"strconv"

	"github.com/oapi-codegen/nullable"

	"chelal/internal/authn"
	"chelal/internal/listing"
)

// envelope is what stands around the results of every list.
type envelope struct {
	Count           nullable.Nullable[int64]
	CountIsEstimate *bool
	Next, Previous  nullable.Nullable[string]
}

// pageOf reads the parameters that every list has.
func pageOf(page, size *int64, cursor *string, ordering string, where []listing.Condition) listing.Request {
	return listing.Request{
		Ordering: ordering, Page: valueOr(page, 1), Size: min(valueOr(size, listing.DefaultSize), listing.MaxSize),
		Cursor: cursor, Where: where,
	}
}

// surround makes the envelope of a page with links in the caller's own words.
func surround[R any](ctx context.Context, r listing.Request, page listing.Page[R]) envelope {
	here := addressFrom(ctx)
	e := envelope{
		Count: nullable.NewNullNullable[int64](),
		Next:  nullable.NewNullNullable[string](), Previous: nullable.NewNullNullable[string](),
	}
	if page.Count != nil {
		e.Count = nullable.NewNullableWithValue(*page.Count)
	}
	if page.IsEstimate {
		e.CountIsEstimate = &page.IsEstimate
	}
	if r.Cursor != nil {
		if page.More {
			e.Next = nullable.NewNullableWithValue(here.with("cursor", page.Next))
		}
		return e
	}
	if page.More {
		e.Next = nullable.NewNullableWithValue(here.with("page", strconv.FormatInt(r.Page+1, 10)))
	}
	switch {
	case r.Page == 2:
		e.Previous = nullable.NewNullableWithValue(here.with("page", ""))
	case r.Page > 2:
		e.Previous = nullable.NewNullableWithValue(here.with("page", strconv.FormatInt(r.Page-1, 10)))
	}
	return e
}

// userWanted reads a filter that is a user's id, me or all; nil stands for all.
func userWanted(caller authn.Principal, wanted *string) *int64 {
	switch valueOr(wanted, "all") {
	case "all":
		return nil
	case "me":
		return &caller.UserID
	}
	id, _ := strconv.ParseInt(*wanted, 10, 64) // the contract's pattern lets nothing else through
	return &id
}

// valueOr returns what p points at, or other when the caller left it out.
func valueOr[T any](p *T, other T) T {
	if p == nil {
		return other
	}
	return *p
}

// convert applies a converter to every row; the result is never nil.
func convert[R, A any](rows []R, f func(R) A) []A {
	converted := make([]A, len(rows))
	for i, row := range rows {
		converted[i] = f(row)
	}
	return converted
}

// fromNullable returns nil for null and for an absent value.
func fromNullable[T any](n nullable.Nullable[T]) *T {
	if !n.IsSpecified() || n.IsNull() {
		return nil
	}
	v := n.MustGet()
	return &v
}

func toNullable[T any](p *T) nullable.Nullable[T] {
	if p == nil {
		return nullable.NewNullNullable[T]()
	}
	return nullable.NewNullableWithValue(*p)
}
