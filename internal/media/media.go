// Package media keeps files, in a folder or in an S3-compatible bucket: those of reports,
// and the images that users upload, which it checks and redraws. It signs the links by which
// browsers, which send no token with an <img>, read the images.
package media

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"chelal/internal/apperr"
)

// ContentType is that of every stored image, whatever was uploaded.
const ContentType = "image/jpeg"

// Store keeps files by name. What is stored under an image's name never changes.
type Store interface {
	// Put stores an image. When it returns nil the image outlasts a crash.
	Put(ctx context.Context, name string, image []byte) error
	// Write stores what write writes, of any length in little memory. When it returns nil the
	// file outlasts a crash; when write fails, it returns that error, and nothing is stored.
	Write(ctx context.Context, name, contentType string, write func(io.Writer) error) error
	// Open returns a file and its size, and ErrMissing when there is none.
	Open(ctx context.Context, name string) (file io.ReadCloser, size int64, err error)
	// Remove makes sure that there is no file of this name.
	Remove(ctx context.Context, name string) error
}

// ErrMissing says that there is no file of this name.
var ErrMissing = errors.New("media: there is no such file")

// unavailable is what callers are told when the store fails.
var unavailable = apperr.New(apperr.Unavailable, "media_unavailable",
	"The store of files does not answer at the moment. Try again shortly.").After(5 * time.Second)

// NewName returns a name for an image that nobody can guess.
func NewName() string { return "profile_images/" + strings.ToLower(rand.Text()) + ".jpg" }

var names = regexp.MustCompile(`^profile_images/[a-z2-7]{26}\.jpg$`)

// IsName reports whether NewName may have made this name. No other name reaches a store.
func IsName(name string) bool { return names.MatchString(name) }
