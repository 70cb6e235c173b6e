package sync

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/authn"
)

// recall reads the earlier operations of the device that an operation refers to.
func recall(ctx context.Context, conn db.DBTX, device string, op Operation) (past, error) {
	p := past{names: map[string]origin{}}
	userID := authn.PrincipalFrom(ctx).UserID
	if names := op.names(); len(names) > 0 {
		rows, err := db.New().SyncNames(ctx, conn, db.SyncNamesParams{
			UserID: userID, DeviceID: device, TempIds: slices.Collect(maps.Values(names)),
		})
		if err != nil {
			return p, err
		}
		for _, row := range rows {
			p.names[row.TempID] = origin{OpID: row.OpID, Entity: row.Entity, Applied: row.Status == Applied, ID: row.RowID}
		}
	}
	if op.BaseOp == nil {
		return p, nil
	}
	row, err := db.New().SyncBase(ctx, conn, db.SyncBaseParams{UserID: userID, DeviceID: device, OpID: *op.BaseOp})
	if errors.Is(err, pgx.ErrNoRows) {
		return p, nil
	}
	p.base = &origin{OpID: *op.BaseOp, Entity: row.Entity, Applied: row.Status == Applied, ID: row.RowID, Version: row.Version}
	return p, err
}
