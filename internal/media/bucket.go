package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// BucketOptions say where an S3-compatible bucket is and how to sign in to it.
type BucketOptions struct {
	Endpoint  string // host, with a port where it is not the protocol's
	TLS       bool
	Region    string // may be empty
	Bucket    string
	Prefix    string // of every name, ending in a slash; may be empty
	AccessKey string
	SecretKey string
}

// Bucket keeps files in an S3-compatible bucket, which exists. This file alone knows the
// client library.
func Bucket(o BucketOptions) (Store, error) {
	client, err := minio.New(o.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(o.AccessKey, o.SecretKey, ""), Secure: o.TLS, Region: o.Region, MaxRetries: 3,
	})
	if err != nil {
		return nil, fmt.Errorf("MEDIA_URL: %w", err)
	}
	return &bucket{client: client, name: o.Bucket, prefix: o.Prefix}, nil
}

type bucket struct {
	client       *minio.Client
	name, prefix string
}

func (b *bucket) Put(ctx context.Context, name string, image []byte) error {
	_, err := b.client.PutObject(ctx, b.name, b.prefix+name, bytes.NewReader(image), int64(len(image)),
		minio.PutObjectOptions{ContentType: ContentType})
	return b.failed("store", err)
}

// writePart is how much of a file of unknown length is held in memory, and sent at once.
const writePart = 8 << 20

func (b *bucket) Write(ctx context.Context, name, contentType string, write func(io.Writer) error) error {
	out, in := io.Pipe()
	refused := make(chan error, 1)
	go func() {
		err := write(in)
		refused <- err
		_ = in.CloseWithError(err) // never fails
	}()
	_, err := b.client.PutObject(ctx, b.name, b.prefix+name, out, -1, minio.PutObjectOptions{ContentType: contentType, PartSize: writePart})
	_ = out.CloseWithError(errGone) // whoever still writes is told
	if own := <-refused; own != nil && !errors.Is(own, errGone) {
		return own
	}
	return b.failed("store", err)
}

// errGone is what a writer is told when the bucket takes no more.
var errGone = errors.New("the bucket takes no more")

func (b *bucket) Open(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	object, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, 0, b.failed("read", err)
	}
	info, err := object.Stat()
	if err == nil {
		return object, info.Size, nil
	}
	_ = object.Close()                                                // nothing was read of it
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound { // of the bucket too: the answer has no body to tell
		return nil, 0, ErrMissing
	}
	return nil, 0, b.failed("read", err)
}

func (b *bucket) Remove(ctx context.Context, name string) error {
	return b.failed("remove", b.client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}))
}

func (b *bucket) failed(what string, err error) error {
	if err == nil {
		return nil
	}
	return unavailable.Because(fmt.Errorf("%s a file in the bucket %s: %w", what, b.name, err))
}
