// Package picture keeps the pictures of accounts, so that none that belongs to nobody stays.
package picture

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"chelal/internal/change"
	"chelal/internal/jobs"
	"chelal/internal/media"
)

// unclaimed is how long a stored picture may wait for its account to name it.
const unclaimed = time.Hour

// Keep stores what media.Redraw has drawn and returns its name, which the account has to have
// within the hour. That it is removed otherwise is settled first: neither a change that is taken
// back nor a crash leaves a picture that belongs to nobody.
func Keep(ctx context.Context, changes *change.Store, store media.Store, drawn []byte) (name string, err error) {
	name = media.NewName()
	if err := changes.Do(ctx, func(c *change.Change) error { return RemoveLater(ctx, c, name, c.Now.Add(unclaimed)) }); err != nil {
		return "", err
	}
	return name, store.Put(ctx, name, drawn)
}

// RemoveLater removes a picture at some time after at, unless it is an account's then.
func RemoveLater(ctx context.Context, c *change.Change, name string, at time.Time) error {
	return c.Enqueue(ctx, jobs.RemovePicture{Name: name}, &river.InsertOpts{ScheduledAt: at})
}
