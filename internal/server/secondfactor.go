package server

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/authn"
	"chelal/internal/change"
	"chelal/internal/pg"
)

var (
	otpRequired = apperr.New(apperr.Unauthenticated, "otp_required",
		"This account has two-factor: send the code that the authenticator shows, or a recovery code, as otp.")
	otpNotValid = apperr.New(apperr.Unauthenticated, "otp_not_valid",
		"This code is wrong or was used before. Wait for the next one of the authenticator, or use a recovery code.")
)

var tooManyCodes = apperr.New(apperr.TooMany, "too_many_attempts",
	"Too many wrong codes of the second factor for this account. Try again later.")

var totpForm = regexp.MustCompile(`^[0-9]{6}$`)

// admitCode counts the code that came with an attempt, before it is checked, so that many
// at once cannot all slip under the limit. Over it the answer is TooMany: only those who
// know the password are told.
func (h *handlers) admitCode(ctx context.Context, attempt int64, u db.CoreUser, otp string) error {
	if !u.TwoFactorEnabled || otp == "" {
		return nil
	}
	now := h.Now().UTC()
	var before db.SecondFactorAttemptRow
	err := pg.InTx(ctx, h.DB, func(tx pgx.Tx) error {
		q := db.New()
		if err := q.SecondFactorLock(ctx, tx, u.ID); err != nil {
			return err
		}
		var err error
		before, err = q.SecondFactorAttempt(ctx, tx, db.SecondFactorAttemptParams{
			ID: attempt, UserID: &u.ID, Since: now.Add(-attemptWindow), Most: codesPerAccount,
		})
		if err == nil && before.Failures >= codesPerAccount {
			err = q.LoginDecide(ctx, tx, db.LoginDecideParams{ID: attempt, UserID: &u.ID, Status: "blocked"})
		}
		return err
	})
	if err == nil && before.Failures >= codesPerAccount {
		err = tooManyCodes.After(before.First.Add(attemptWindow).Sub(now))
	}
	return err
}

// checkSecondFactor takes the code of an account that has two-factor, once: of many that
// bring the same one at once, one gets through. u is the account as this change has
// locked it, so that two-factor turned on a moment ago counts. Whoever does not know the
// password must not come this far.
func (h *handlers) checkSecondFactor(ctx context.Context, c *change.Change, u db.CoreUser, otp string) error {
	if !u.TwoFactorEnabled {
		return nil
	}
	otp = strings.ReplaceAll(otp, " ", "")
	if otp == "" {
		return otpRequired
	}
	spend := h.spendRecoveryCode
	if totpForm.MatchString(otp) {
		spend = h.spendTOTP
	}
	spent, err := spend(ctx, c, u, otp)
	if err == nil && spent == 0 {
		return otpNotValid
	}
	return err
}

func (h *handlers) spendTOTP(ctx context.Context, c *change.Change, u db.CoreUser, code string) (int64, error) {
	sealed := valueOr(u.TwoFactorSecret, "")
	secret, current, err := h.factors.Open(sealed, owner(u.ID))
	if err != nil {
		return 0, err
	}
	step, ok := authn.TOTPMatch(secret, code, c.Now)
	if !ok {
		return 0, nil
	}
	if !current {
		sealed = h.factors.Seal(secret, owner(u.ID))
	}
	return db.New().TwoFactorSpend(ctx, c.Tx, db.TwoFactorSpendParams{ID: u.ID, Step: step, Secret: sealed})
}

func (h *handlers) spendRecoveryCode(ctx context.Context, c *change.Change, u db.CoreUser, code string) (int64, error) {
	return db.New().RecoveryCodeSpend(ctx, c.Tx, u.ID, authn.HashRecoveryCode(code))
}

// owner is to whom a secret is sealed.
func owner(userID int64) string { return "user " + strconv.FormatInt(userID, 10) }

// decideAttempt records how an attempt ended that did not get through, and returns err.
// Any other error leaves it undecided, which counts as a failure.
func (h *handlers) decideAttempt(ctx context.Context, attempt int64, userID *int64, err error) error {
	decision := db.LoginDecideParams{ID: attempt, UserID: userID}
	switch {
	case errors.Is(err, otpRequired):
		decision.Status = "otp_required"
	case errors.Is(err, otpNotValid), errors.Is(err, invalidCredentials):
		decision.Status = "failure"
	default:
		return err
	}
	if failed := db.New().LoginDecide(ctx, h.DB, decision); failed != nil {
		return failed
	}
	return err
}

// onOTP tells somebody who is signed in what is wrong with the code. It is no 401: their
// session is as good as before.
func onOTP(err error) error {
	for _, refusal := range []*apperr.Error{otpRequired, otpNotValid} {
		if errors.Is(err, refusal) {
			return apperr.InvalidFields(apperr.Field{Name: "otp", Code: refusal.Code, Message: refusal.Message})
		}
	}
	return err
}
