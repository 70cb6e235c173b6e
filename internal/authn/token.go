package authn

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
	"github.com/lestrrat-go/jwx/v2/jwt"

	"chelal/internal/apperr"
)

const (
	tokenPurpose  = "access-token"
	tokenIssuer   = "chelal"
	tokenAudience = "chelal-api"
	tokenType     = "at+jwt" // RFC 9068: no other kind of JWT passes for an access token
	tokenSession  = "sid"
	maxTokenSize  = 4 << 10
	clockLeeway   = time.Minute // between the clocks of several instances
)

var errToken = apperr.New(apperr.Unauthenticated, "token_not_valid",
	"The access token is not valid or has expired. Sign in again or refresh it.")

// Claims are what an access token says of its bearer. Role and name are not among
// them: they are read from the database, so that a change takes effect at once.
type Claims struct {
	UserID  int64
	Session uuid.UUID
	Expires time.Time
}

// Tokens issues and verifies access tokens: JWTs signed with HMAC-SHA256. This
// file alone knows the JWT library.
type Tokens struct {
	keys     [][]byte // the first signs, all verify
	lifetime time.Duration
	now      func() time.Time
	// verified remembers whose signature was found right, which costs more than the rest of a
	// request's way.
	verified *lru.Cache[string, Claims]
}

// verifiedAtMost bounds their memory to some megabytes.
const verifiedAtMost = 10_000

// NewTokens returns Tokens that sign with a key derived from current. Tokens signed
// under an old secret remain valid until they expire. A secret shorter than 32
// bytes is refused, as is a lifetime below a second, the resolution of a JWT.
func NewTokens(current []byte, old [][]byte, lifetime time.Duration, now func() time.Time) (*Tokens, error) {
	if lifetime < time.Second {
		return nil, errors.New("authn: an access token must live for a second at least")
	}
	known, err := lru.New[string, Claims](verifiedAtMost)
	if err != nil {
		return nil, err
	}
	t := &Tokens{lifetime: lifetime, now: now, verified: known}
	for _, secret := range append([][]byte{current}, old...) {
		if len(secret) < minSecretSize {
			return nil, fmt.Errorf("authn: a secret of %d bytes is too short; %d are needed", len(secret), minSecretSize)
		}
		t.keys = append(t.keys, DeriveKey(secret, tokenPurpose))
	}
	return t, nil
}

// Issue returns a token for a session of a user, and when it expires.
func (t *Tokens) Issue(userID int64, session uuid.UUID) (token string, expires time.Time, err error) {
	now := t.now()
	expires = now.Add(t.lifetime).UTC().Truncate(time.Second)
	claims, err := jwt.NewBuilder().
		Issuer(tokenIssuer).Audience([]string{tokenAudience}).
		Subject(strconv.FormatInt(userID, 10)).Claim(tokenSession, session.String()).
		IssuedAt(now).Expiration(expires).JwtID(uuid.NewString()).
		Build()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("build access token: %w", err)
	}
	header := jws.NewHeaders()
	if err := header.Set(jws.TypeKey, tokenType); err != nil {
		return "", time.Time{}, fmt.Errorf("build access token: %w", err)
	}
	signed, err := jwt.Sign(claims, jwt.WithKey(jwa.HS256, t.keys[0], jws.WithProtectedHeaders(header)))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign access token: %w", err)
	}
	return string(signed), expires, nil
}

// Verify returns the claims of a token that Issue made and that has not expired.
// Every other token is the same Unauthenticated error, whose private cause holds no
// part of the token. Whether the session still stands is the caller's to ask.
func (t *Tokens) Verify(token string) (Claims, error) {
	if claims, known := t.verified.Get(token); known && t.now().Before(claims.Expires) {
		return claims, nil
	}
	claims, err := t.verify(token)
	if err != nil {
		return Claims{}, errToken.Because(err)
	}
	t.verified.Add(strings.Clone(token), claims) // not the whole header that it was cut from
	return claims, nil
}

func (t *Tokens) verify(token string) (Claims, error) {
	if err := checkForm(token); err != nil {
		return Claims{}, err
	}
	payload, err := t.open(token)
	if err != nil {
		return Claims{}, err
	}
	parsed, err := jwt.ParseInsecure(payload) // insecure by itself: open has checked the signature
	if err != nil {
		return Claims{}, errors.New("claims cannot be read")
	}
	if err := t.checkClaims(parsed); err != nil {
		return Claims{}, err
	}
	return readClaims(parsed)
}

// checkForm accepts the compact form in strict base64url only. The library accepts
// JSON, padding, the other alphabet and stray bits in the last character too: each
// would be a second spelling of the same token.
func checkForm(token string) error {
	if len(token) > maxTokenSize {
		return errors.New("too long")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // base64 would skip line ends
		return errors.New("not a compact JWS")
	}
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil {
			return errors.New("not base64url")
		}
	}
	return nil
}

// open returns the payload when one of the keys signed the token.
func (t *Tokens) open(token string) ([]byte, error) {
	var message jws.Message
	options := []jws.VerifyOption{jws.WithCompact(), jws.WithMessage(&message)}
	for _, key := range t.keys {
		options = append(options, jws.WithKey(jwa.HS256, key))
	}
	payload, err := jws.Verify([]byte(token), options...)
	if err != nil {
		return nil, errors.New("signature does not verify")
	}
	// The library verifies with HS256 whatever the header names.
	header := message.Signatures()[0].ProtectedHeaders()
	if header.Algorithm() != jwa.HS256 || header.Type() != tokenType {
		return nil, errors.New("header names another algorithm or type")
	}
	return payload, nil
}

func (t *Tokens) checkClaims(parsed jwt.Token) error {
	now := t.now()
	err := jwt.Validate(parsed,
		jwt.WithClock(jwt.ClockFunc(func() time.Time { return now })),
		jwt.WithAcceptableSkew(clockLeeway),
		jwt.WithIssuer(tokenIssuer), jwt.WithAudience(tokenAudience),
		jwt.WithRequiredClaim(jwt.ExpirationKey), jwt.WithRequiredClaim(jwt.IssuedAtKey),
	)
	if err != nil {
		return fmt.Errorf("claims: %w", err)
	}
	// The library grants the leeway to exp too, and takes an exp of 0 for none.
	if !now.Before(parsed.Expiration()) {
		return errors.New("expired")
	}
	return nil
}

func readClaims(parsed jwt.Token) (Claims, error) {
	subject := parsed.Subject()
	id, err := strconv.ParseInt(subject, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != subject {
		return Claims{}, errors.New("sub is not the id of a user")
	}
	sid, _ := parsed.Get(tokenSession)
	text, _ := sid.(string)
	session, err := uuid.Parse(text)
	if err != nil || session == uuid.Nil || session.String() != text {
		return Claims{}, errors.New("sid is not the id of a session")
	}
	return Claims{UserID: id, Session: session, Expires: parsed.Expiration()}, nil
}
