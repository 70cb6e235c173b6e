package listing

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"chelal/internal/pg"
)

// far is from how many rows on the planner is believed that a list is longer than Reach.
const far = 2 * Reach

// long are the lists in which nothing is looked for and that were by far longer than Reach: the
// planner, who knows that from its statistics, is asked first, and not 10,000 rows are read to
// see that there are more.
var long sync.Map

// count answers how many rows match: exactly up to Reach, beyond it as the planner
// believes, which reads no table.
func (l List[R]) count(ctx context.Context, conn pg.DB, where string, args []any) (n int64, isEstimate bool, err error) {
	from := l.from() + where
	everything := len(args) == 0
	var believed int64
	if _, known := long.Load(from); known {
		if believed, err = estimate(ctx, conn, from, args); err != nil || believed > far {
			return believed, true, err
		}
		long.Delete(from)
	}
	limited := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 %s LIMIT %d) matches", from, Reach+1)
	if err := conn.QueryRow(ctx, limited, planned(!everything, args)...).Scan(&n); err != nil || n <= Reach {
		return n, false, err
	}
	if believed == 0 {
		if believed, err = estimate(ctx, conn, from, args); err != nil {
			return n, true, err
		}
	}
	if everything && believed > far {
		long.Store(from, true)
	}
	return max(believed, n), true, nil
}

func estimate(ctx context.Context, conn pg.DB, from string, args []any) (int64, error) {
	var text []byte
	if err := conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON) SELECT 1 "+from, planned(len(args) > 0, args)...).Scan(&text); err != nil {
		return 0, err
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		} `json:"Plan"`
	}
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return 0, fmt.Errorf("listing: read the planner's estimate: %w", err)
	}
	return int64(plans[0].Plan.Rows), nil
}
