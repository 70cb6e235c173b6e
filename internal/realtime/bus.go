package realtime

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// channel is where the processes meet. A process of another database that uses the same
// Redis looks into its own database once more, and finds nothing.
const channel = "chelal:events"

// Bus tells the other processes, over Redis, how far the numbers of the events go. It
// carries nothing else: no patient's data, and nothing that anybody who reaches Redis could
// forge. While Redis is away the others find out by asking the database.
type Bus struct {
	client *redis.Client
	log    *slog.Logger
	last   atomic.Int64
	more   chan struct{}
}

// silence keeps the library from writing to the standard error.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

// OpenBus returns the bus of the Redis at url, which need not answer, now or later.
func OpenBus(url string, log *slog.Logger) (*Bus, error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL is not valid") // the cause may quote a password
	}
	redis.SetLogger(silence{})
	options.MaxRetries = -1 // what is not told in time need not be told
	options.DialTimeout, options.ReadTimeout, options.WriteTimeout = 2*time.Second, 2*time.Second, 2*time.Second
	return &Bus{client: redis.NewClient(options), log: log, more: make(chan struct{}, 1)}, nil
}

// tell does not wait; of several numbers the last is told.
func (b *Bus) tell(number int64) {
	b.last.Store(number)
	select {
	case b.more <- struct{}{}:
	default:
	}
}

// start passes on what is told here, and to heard what is told elsewhere, until stop is
// called.
func (b *Bus) start(ctx context.Context, heard func(int64)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var both sync.WaitGroup
	both.Go(func() { b.publish(ctx) })
	both.Go(func() { b.listen(ctx, heard) })
	return func() {
		cancel()
		both.Wait()
		_ = b.client.Close() // nothing is left to lose
	}
}

func (b *Bus) publish(ctx context.Context) {
	away := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.more:
		}
		err := b.client.Publish(ctx, channel, b.last.Load()).Err()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !away:
			b.log.Warn("Redis is away: until it is back, news from other processes comes up to a second later", slog.Any("error", err))
		case err == nil && away:
			b.log.Info("Redis is back")
		}
		away = err != nil
	}
}

// listen comes back by itself after Redis was away.
func (b *Bus) listen(ctx context.Context, heard func(int64)) {
	subscription := b.client.Subscribe(ctx, channel)
	defer func() { _ = subscription.Close() }() // there is nothing to flush
	told := subscription.Channel()
	for {
		select {
		case <-ctx.Done():
			return
		case m, open := <-told:
			if !open {
				return
			}
			if number, err := strconv.ParseInt(m.Payload, 10, 64); err == nil {
				heard(number)
			}
		}
	}
}
