package server

import (
	"context"
	"net/netip"

	"github.com/oapi-codegen/nullable"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/listing"
)

// ListLoginActivity answers everybody's attempts to sign in.
func (h *handlers) ListLoginActivity(ctx context.Context, r api.ListLoginActivityRequestObject) (api.ListLoginActivityResponseObject, error) {
	p := r.Params
	where, err := h.loginConditions(api.ListOwnLoginActivityParams{
		Status: p.Status, IPAddress: p.IPAddress, DateFrom: p.DateFrom, DateTo: p.DateTo,
	})
	if err != nil {
		return nil, err
	}
	if user := userWanted(authn.PrincipalFrom(ctx), p.User); user != nil {
		where = append(where, listing.LoginActivityOf(*user))
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListLoginActivityParamsOrderingMinusTimestamp)), where)
	answer, err := h.loginActivity(ctx, request)
	return api.ListLoginActivity200JSONResponse(answer), err
}

// ListOwnLoginActivity answers the attempts to sign in with the caller's account.
func (h *handlers) ListOwnLoginActivity(ctx context.Context, r api.ListOwnLoginActivityRequestObject) (api.ListOwnLoginActivityResponseObject, error) {
	p := r.Params
	where, err := h.loginConditions(p)
	if err != nil {
		return nil, err
	}
	request := pageOf(p.Page, p.PageSize, p.Cursor,
		string(valueOr(p.Ordering, api.ListOwnLoginActivityParamsOrderingMinusTimestamp)),
		append(where, listing.LoginActivityOf(authn.PrincipalFrom(ctx).UserID)))
	answer, err := h.loginActivity(ctx, request)
	return api.ListOwnLoginActivity200JSONResponse(answer), err
}

func (h *handlers) loginActivity(ctx context.Context, request listing.Request) (api.LoginActivityList, error) {
	page, err := listing.LoginActivity.Read(ctx, h.DB, request)
	if err != nil {
		return api.LoginActivityList{}, err
	}
	e := surround(ctx, request, page)
	return api.LoginActivityList{
		Count: e.Count, CountIsEstimate: e.CountIsEstimate, Next: e.Next, Previous: e.Previous,
		Results: listing.Results(page, toAPILoginActivity),
	}, nil
}

// loginConditions are the filters of both lists.
func (h *handlers) loginConditions(p api.ListOwnLoginActivityParams) ([]listing.Condition, error) {
	var where []listing.Condition
	if p.Status != nil {
		where = append(where, listing.LoginActivityEnded(string(*p.Status)))
	}
	if p.IPAddress != nil {
		address, err := netip.ParseAddr(*p.IPAddress)
		if err != nil || address.Zone() != "" {
			return nil, apperr.InvalidFields(apperr.Field{Name: "ip_address", Code: "invalid",
				Message: "Use an address such as 192.0.2.1 or 2001:db8::1."}).Because(err)
		}
		where = append(where, listing.LoginActivityAt(address.Unmap()))
	}
	if p.DateFrom != nil {
		where = append(where, listing.LoginActivityFrom(h.dayStart(*p.DateFrom)))
	}
	if p.DateTo != nil {
		where = append(where, listing.LoginActivityUntil(h.dayEnd(*p.DateTo)))
	}
	return where, nil
}

// GetLoginActivity answers one attempt to sign in.
func (h *handlers) GetLoginActivity(ctx context.Context, r api.GetLoginActivityRequestObject) (api.GetLoginActivityResponseObject, error) {
	row, err := db.New().LoginActivityGet(ctx, h.DB, r.ID)
	if err != nil {
		return nil, err
	}
	return api.GetLoginActivity200JSONResponse(toAPILoginActivity(db.LoginActivityListRow(row))), nil
}

// toAPILoginActivity leaves out the name as it was typed: of an attempt that failed it may
// be a password.
func toAPILoginActivity(row db.LoginActivityListRow) api.LoginActivity {
	a := api.LoginActivity{
		ID: row.ID, User: toNullable(row.UserID), Username: toNullable(row.Username), Timestamp: row.Timestamp,
		IPAddress: nullable.NewNullNullable[string](), UserAgent: row.UserAgent, Status: api.LoginStatus(row.Status),
	}
	if row.IPAddress != nil {
		a.IPAddress = nullable.NewNullableWithValue(row.IPAddress.String())
	}
	return a
}
