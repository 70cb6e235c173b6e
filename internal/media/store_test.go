package media_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"chelal/internal/apperr"
	"chelal/internal/media"
)

const accessKey, secretKey = "chelal", "a secret+with/signs"

// s3 starts an S3 server program over a folder of the test's own and returns its address.
func s3(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	var log bytes.Buffer
	server := exec.Command(versitygw(t), "--port", address, "posix", "--sidecar", t.TempDir(), t.TempDir())
	server.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	server.Stdout, server.Stderr = &log, &log
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed
	})
	require.Eventually(t, func() bool {
		response, err := http.Get("http://" + address)
		return err == nil && response.Body.Close() == nil
	}, time.Minute, 50*time.Millisecond, "the S3 server does not answer")
	return address
}

// versitygw is the S3 server that .ci/install installs; where it has not run, it is now.
func versitygw(t *testing.T) string {
	t.Helper()
	const program = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	folder := filepath.Join(cache, "chelal")
	path := filepath.Join(folder, "versitygw")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	install := exec.Command("go", "install", program)
	install.Env = append(os.Environ(), "GOBIN="+folder, "GOFLAGS=")
	output, err := install.CombinedOutput()
	require.NoError(t, err, "%s cannot be installed: %s", program, output)
	return path
}

func bucketAt(t *testing.T, address, name string) media.Store {
	t.Helper()
	store, err := media.Bucket(media.BucketOptions{
		Endpoint: address, Region: "us-east-1", Bucket: name, Prefix: "hospital/", AccessKey: accessKey, SecretKey: secretKey,
	})
	require.NoError(t, err)
	return store
}

// TestStores holds both stores to the same laws, the bucket's on a real S3 server.
func TestStores(t *testing.T) {
	t.Parallel()
	address := s3(t)
	admin, err := minio.New(address, &minio.Options{Creds: credentials.NewStaticV4(accessKey, secretKey, ""), Region: "us-east-1"})
	require.NoError(t, err)
	require.NoError(t, admin.MakeBucket(t.Context(), "images", minio.MakeBucketOptions{}))
	for name, store := range map[string]media.Store{
		"folder": media.Folder(filepath.Join(t.TempDir(), "made", "when needed")), "bucket": bucketAt(t, address, "images"),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			name, other := media.NewName(), media.NewName()
			_, _, err := store.Open(ctx, name)
			require.ErrorIs(t, err, media.ErrMissing)
			require.NoError(t, store.Remove(ctx, name), "there is none")
			image := make([]byte, 300_000)
			for i := range image {
				image[i] = byte(rand.Uint32())
			}
			require.NoError(t, store.Put(ctx, name, image))
			require.NoError(t, store.Put(ctx, other, []byte("other")))
			require.Equal(t, image, read(t, store, name))
			require.NoError(t, store.Put(ctx, name, image), "again")

			var together sync.WaitGroup
			for range 10 {
				together.Go(func() {
					mine := media.NewName()
					if err := store.Put(ctx, mine, []byte(mine)); err != nil || string(read(t, store, mine)) != mine {
						t.Errorf("put %s: %v", mine, err)
					}
				})
			}
			together.Wait()
			require.NoError(t, store.Remove(ctx, name))
			require.NoError(t, store.Remove(ctx, name))
			_, _, err = store.Open(ctx, name)
			require.ErrorIs(t, err, media.ErrMissing)
			require.Equal(t, []byte("other"), read(t, store, other))
		})
	}
	object, err := admin.StatObject(t.Context(), "images", "hospital/"+first(t, admin), minio.StatObjectOptions{})
	require.NoError(t, err)
	require.Equal(t, "image/jpeg", object.ContentType)
}

func first(t *testing.T, admin *minio.Client) string {
	t.Helper()
	for object := range admin.ListObjects(t.Context(), "images", minio.ListObjectsOptions{Prefix: "hospital/profile_images/"}) {
		require.NoError(t, object.Err)
		return strings.TrimPrefix(object.Key, "hospital/")
	}
	require.Fail(t, "nothing is stored under the prefix")
	return ""
}

func read(t *testing.T, store media.Store, name string) []byte {
	t.Helper()
	image, size, err := store.Open(t.Context(), name)
	require.NoError(t, err)
	data, err := io.ReadAll(image)
	require.NoError(t, err)
	require.NoError(t, image.Close())
	require.EqualValues(t, size, len(data))
	return data
}

// TestStoresThatFail: callers are told to try again, and nobody is told a secret.
func TestStoresThatFail(t *testing.T) {
	t.Parallel()
	address := s3(t)
	wrongKey, err := media.Bucket(media.BucketOptions{Endpoint: address, Region: "us-east-1", Bucket: "images", AccessKey: accessKey, SecretKey: "hunter2 hunter2"})
	require.NoError(t, err)
	full := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(full, nil, 0o600))
	for name, store := range map[string]media.Store{
		"no bucket": bucketAt(t, address, "absent"), "a wrong secret": wrongKey, "no server": bucketAt(t, "127.0.0.1:1", "images"),
		"no folder": media.Folder(full),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			failures := []error{store.Put(ctx, media.NewName(), []byte("x"))}
			if name != "no bucket" {
				_, _, err := store.Open(ctx, media.NewName())
				failures = append(failures, err)
			}
			for _, err := range failures {
				require.Equal(t, apperr.Unavailable, apperr.From(err).Kind, fmt.Sprint(err))
				require.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
}

// TestNames: what is no name never reaches a store, and a folder is not left even so.
func TestNames(t *testing.T) {
	t.Parallel()
	require.True(t, media.IsName(media.NewName()))
	require.NotEqual(t, media.NewName(), media.NewName())
	require.LessOrEqual(t, len(media.NewName()), 100, "the column holds 100 characters")
	for _, name := range []string{"", "profile_images/", "../x", "profile_images/../../x.jpg", "/etc/passwd", media.NewName() + "\n",
		strings.ToUpper(media.NewName()), "x/" + media.NewName(), strings.Replace(media.NewName(), ".jpg", ".php", 1)} {
		require.False(t, media.IsName(name), name)
	}
	parent := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(parent, "secret"), []byte("secret"), 0o600))
	store := media.Folder(filepath.Join(parent, "media"))
	require.NoError(t, store.Put(t.Context(), media.NewName(), []byte("x")))
	for _, name := range []string{"../secret", "profile_images/../../secret"} {
		_, _, err := store.Open(t.Context(), name)
		require.Error(t, err)
		require.Error(t, store.Put(t.Context(), name, []byte("x")))
		require.Error(t, store.Remove(t.Context(), name))
	}
	kept, err := os.ReadFile(filepath.Join(parent, "secret"))
	require.NoError(t, err)
	require.Equal(t, "secret", string(kept))
}
