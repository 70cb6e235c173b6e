package authn

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // what authenticator apps expect; HMAC does not rest on its collision resistance
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

// The parameters of TOTP (RFC 6238) that every authenticator app knows.
const (
	totpStep       = 30 // seconds
	totpSecretSize = 20
	totpIssuer     = "CHELAL"
)

// NewTOTPSecret returns the secret that an authenticator app and this server share.
func NewTOTPSecret() []byte {
	secret := make([]byte, totpSecretSize)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	return secret
}

// TOTPText is a secret as people type it into an app.
func TOTPText(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// TOTPURL is a secret as an app reads it from a QR code; account says whose it is.
func TOTPURL(secret []byte, account string) string {
	u := url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + totpIssuer + ":" + account}
	// Not Values.Encode: apps take a plus sign for itself.
	u.RawQuery = "secret=" + TOTPText(secret) + "&issuer=" + totpIssuer + "&algorithm=SHA1&digits=6&period=30"
	return u.String()
}

// TOTPMatch returns the time step whose code this is: the present one, or one of its
// neighbours, since clocks differ. Taking no step twice is the caller's to see to.
func TOTPMatch(secret []byte, code string, now time.Time) (step int64, ok bool) {
	present := now.Unix() / totpStep
	for _, candidate := range []int64{present - 1, present, present + 1} {
		if subtle.ConstantTimeCompare([]byte(totpCode(secret, candidate)), []byte(code)) == 1 {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// totpCode is the truncation of RFC 4226, section 5.3, to six digits.
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step)
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0x0f
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:at+4])&0x7fffffff%1_000_000)
}
