package server

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image/png"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"chelal/gen/api"
	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/audit"
	"chelal/internal/authn"
	"chelal/internal/change"
)

var (
	twoFactorOn = apperr.New(apperr.Conflict, "two_factor_on",
		"Two-factor is on. Turn it off first: POST /api/profile/2fa/disable/.")
	twoFactorOff    = apperr.New(apperr.Conflict, "two_factor_off", "Two-factor is off.")
	twoFactorNotSet = apperr.New(apperr.Conflict, "two_factor_not_set_up",
		"There is no secret to prove. Begin with POST /api/profile/2fa/setup/.")
	ownTwoFactor = apperr.New(apperr.Conflict, "own_two_factor",
		"Turn your own two-factor off at POST /api/profile/2fa/disable/, or ask another Admin.")
)

// SetupTwoFactor makes a secret for an authenticator, which counts once it is proven.
func (h *handlers) SetupTwoFactor(ctx context.Context, _ api.SetupTwoFactorRequestObject) (api.SetupTwoFactorResponseObject, error) {
	secret := authn.NewTOTPSecret()
	var username string
	err := h.changeTwoFactor(ctx, "Two-factor begun", func(c *change.Change, before db.CoreUser) (db.CoreUser, error) {
		if before.TwoFactorEnabled {
			return db.CoreUser{}, twoFactorOn
		}
		username = before.Username
		return db.New().TwoFactorPending(ctx, c.Tx, h.factors.Seal(secret, owner(before.ID)), before.ID)
	})
	if err != nil {
		return nil, err
	}
	address := authn.TOTPURL(secret, username)
	code, err := qrCode(address)
	if err != nil {
		return nil, err
	}
	return api.SetupTwoFactor200JSONResponse{Secret: authn.TOTPText(secret), OtpauthURL: address, QrCode: code}, nil
}

// EnableTwoFactor turns two-factor on for an authenticator that has the secret, and ends
// the sessions that began without it.
func (h *handlers) EnableTwoFactor(ctx context.Context, r api.EnableTwoFactorRequestObject) (api.EnableTwoFactorResponseObject, error) {
	codes, hashes := authn.NewRecoveryCodes()
	err := h.changeTwoFactor(ctx, "Two-factor turned on", func(c *change.Change, before db.CoreUser) (after db.CoreUser, err error) {
		switch {
		case before.TwoFactorEnabled:
			return after, twoFactorOn
		case before.TwoFactorPending == nil:
			return after, twoFactorNotSet
		}
		secret, _, err := h.factors.Open(*before.TwoFactorPending, owner(before.ID))
		if err != nil {
			return after, err
		}
		step, ok := authn.TOTPMatch(secret, strings.ReplaceAll(r.Body.Otp, " ", ""), c.Now)
		if !ok {
			return after, onOTP(otpNotValid)
		}
		q := db.New()
		if after, err = q.TwoFactorEnable(ctx, c.Tx, db.TwoFactorEnableParams{
			ID: before.ID, Secret: h.factors.Seal(secret, owner(before.ID)), Step: step,
		}); err != nil {
			return after, err
		}
		if err := q.RecoveryCodesCreate(ctx, c.Tx, before.ID, hashes); err != nil {
			return after, err
		}
		_, err = q.SessionRevokeOthers(ctx, c.Tx, db.SessionRevokeOthersParams{Now: c.Now, UserID: before.ID, Kept: c.Actor.Session})
		return after, err
	})
	if err != nil {
		return nil, err
	}
	return api.EnableTwoFactor200JSONResponse{RecoveryCodes: codes}, nil
}

// DisableTwoFactor turns two-factor off for whoever has both factors.
func (h *handlers) DisableTwoFactor(ctx context.Context, r api.DisableTwoFactorRequestObject) (api.DisableTwoFactorResponseObject, error) {
	row, err := db.New().UserGet(ctx, h.DB, authn.PrincipalFrom(ctx).UserID)
	if err != nil {
		return nil, err
	}
	if !row.CoreUser.TwoFactorEnabled { // asked again under the lock
		return nil, twoFactorOff
	}
	attempt, err := h.verifyOwn(ctx, row.CoreUser, "password", r.Body.Password, r.Body.Otp)
	if err != nil {
		return nil, err
	}
	err = h.changeTwoFactor(ctx, "Two-factor turned off", func(c *change.Change, before db.CoreUser) (db.CoreUser, error) {
		if !before.TwoFactorEnabled {
			return db.CoreUser{}, twoFactorOff
		}
		if before.Password != row.CoreUser.Password {
			return db.CoreUser{}, wrongPassword("password")
		}
		if err := h.checkSecondFactor(ctx, c, before, r.Body.Otp); err != nil {
			return db.CoreUser{}, err
		}
		if err := db.New().LoginDecide(ctx, c.Tx, db.LoginDecideParams{ID: attempt, Status: "success", UserID: &before.ID}); err != nil {
			return db.CoreUser{}, err
		}
		return clearTwoFactor(ctx, c, before.ID, false)
	})
	if err != nil {
		return nil, onOTP(h.decideAttempt(ctx, attempt, &row.CoreUser.ID, err))
	}
	return api.DisableTwoFactor204Response{}, nil
}

// ResetTwoFactor turns somebody else's two-factor off. Who had lost it, or who has found
// it, nobody knows: the sessions end and a new password is due.
func (h *handlers) ResetTwoFactor(ctx context.Context, r api.ResetTwoFactorRequestObject) (api.ResetTwoFactorResponseObject, error) {
	return once(ctx, h, "resetTwoFactor", r.Params.IdempotencyKey, api.ResetTwoFactorResponseObject.VisitResetTwoFactorResponse,
		func(c *change.Change) (api.ResetTwoFactorResponseObject, error) {
			q := db.New()
			before, err := q.UserLock(ctx, c.Tx, r.ID)
			if err != nil {
				return nil, err
			}
			if r.ID == c.Actor.UserID {
				return nil, ownTwoFactor
			}
			after, err := clearTwoFactor(ctx, c, r.ID, before.CoreUser.TwoFactorEnabled)
			if err != nil {
				return nil, err
			}
			if _, err := q.SessionRevokeAll(ctx, c.Tx, c.Now, r.ID); err != nil {
				return nil, err
			}
			row := db.UserListRow(before)
			row.CoreUser = after
			return api.ResetTwoFactor200JSONResponse{
					Body: h.toAPIUser(ctx, row, true), Headers: api.ResetTwoFactor200ResponseHeaders{ETag: etag(after.Version)},
				}, c.Record(audit.Entry{Action: audit.Edit, Object: "user", ID: r.ID, Description: "Two-factor reset",
					Before: before.CoreUser, After: after})
		})
}

// changeTwoFactor locks the own account, lets f work on it and records what came of it.
func (h *handlers) changeTwoFactor(ctx context.Context, description string,
	f func(c *change.Change, before db.CoreUser) (db.CoreUser, error)) error {
	return h.changes.Do(ctx, func(c *change.Change) error {
		before, err := db.New().UserLock(ctx, c.Tx, c.Actor.UserID)
		if err != nil {
			return err
		}
		after, err := f(c, before.CoreUser)
		if err != nil {
			return err
		}
		return c.Record(audit.Entry{Action: audit.Edit, Object: "user", ID: after.ID, Description: description,
			Before: before.CoreUser, After: after})
	})
}

func clearTwoFactor(ctx context.Context, c *change.Change, userID int64, changePassword bool) (db.CoreUser, error) {
	if err := db.New().RecoveryCodesClear(ctx, c.Tx, userID); err != nil {
		return db.CoreUser{}, err
	}
	return db.New().TwoFactorClear(ctx, c.Tx, changePassword, userID)
}

// qrCode draws a text as a PNG, as the address of an image.
func qrCode(text string) (string, error) {
	const side = 240 // pixels
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	scaled, err := barcode.Scale(code, side, side)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	var out bytes.Buffer
	if err := png.Encode(&out, scaled); err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(out.Bytes()), nil
}
