package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/oapi-codegen/nullable"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/media"
	"chelal/internal/picture"
)

var linkNotValid = apperr.New(apperr.Forbidden, "media_link_not_valid",
	"This link has expired, or it is not as it was answered. Read the profile again for a new one.")

// keepUpload stores the picture that came with the request and returns its name, "" when
// none came.
func (h *handlers) keepUpload(ctx context.Context) (string, error) {
	upload := uploadFrom(ctx)
	if upload == nil {
		return "", nil
	}
	drawn, err := media.Redraw(ctx, upload)
	if err != nil {
		return "", err
	}
	return picture.Keep(ctx, h.changes, h.Media, drawn)
}

// pictureLink is the address of an account's picture, for whoever may see the account.
func (h *handlers) pictureLink(ctx context.Context, name *string) nullable.Nullable[string] {
	if name == nil {
		return nullable.NewNullNullable[string]()
	}
	return nullable.NewNullableWithValue(addressFrom(ctx).base + "/media/" + *name + "?" + h.links.Sign(*name, h.Now()))
}

// serveMedia answers a picture to whoever has a signed link, which is what an <img> of a
// browser can have, or is signed in and may see the account that it belongs to.
func (h *handlers) serveMedia(c echo.Context) error {
	name := c.Param("*")
	lifetime, err := h.mayRead(c, name)
	if err != nil {
		return err
	}
	file, size, err := h.Media.Open(c.Request().Context(), name)
	if errors.Is(err, media.ErrMissing) {
		return apperr.Missing().Because(err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was read, or the caller has gone
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, media.ContentType)
	header.Set(echo.HeaderContentLength, strconv.FormatInt(size, 10))
	header.Set(echo.HeaderContentDisposition, `inline; filename="profile.jpg"`)
	header.Set(echo.HeaderCacheControl, fmt.Sprintf("private, max-age=%d", int(lifetime.Seconds())))
	header.Set(echo.HeaderContentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'; sandbox")
	c.Response().WriteHeader(http.StatusOK)
	_, err = io.Copy(c.Response(), file)
	return err
}

// mayRead returns for how long the caller may keep the picture.
func (h *handlers) mayRead(c echo.Context, name string) (time.Duration, error) {
	query := c.QueryParams()
	if remaining, ok := h.links.Check(name, query, h.Now()); ok && media.IsName(name) {
		return remaining, nil
	}
	authorization := c.Request().Header.Get("Authorization")
	if authorization == "" && query.Has("signature") {
		return 0, linkNotValid
	}
	ctx := c.Request().Context()
	p, err := h.authenticate(ctx, authorization)
	if err != nil {
		return 0, err
	}
	if p.PasswordChangeRequired {
		return 0, passwordChangeRequired
	}
	if !media.IsName(name) {
		return 0, apperr.Missing()
	}
	owner, err := db.New().ProfileImageOwner(ctx, h.DB, name)
	if err != nil {
		return 0, err
	}
	if owner != p.UserID && p.Role != authn.RoleAdmin {
		return 0, apperr.Missing()
	}
	return 0, nil
}
