package listing

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"chelal/internal/pg"
)

// count answers how many rows match: exactly up to Reach, beyond it as the planner
// believes, which reads no table.
func (l List[R]) count(ctx context.Context, conn pg.DB, where string, args []any) (int64, bool, error) {
	from := l.from() + where
	args = append([]any{pgx.QueryExecModeCacheDescribe}, args...)
	var n int64
	limited := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 %s LIMIT %d) matches", from, Reach+1)
	if err := conn.QueryRow(ctx, limited, args...).Scan(&n); err != nil || n <= Reach {
		return n, false, err
	}
	estimate, err := estimate(ctx, conn, from, args)
	return max(estimate, n), true, err
}

func estimate(ctx context.Context, conn pg.DB, from string, args []any) (int64, error) {
	var text []byte
	if err := conn.QueryRow(ctx, "EXPLAIN (FORMAT JSON) SELECT 1 "+from, args...).Scan(&text); err != nil {
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
