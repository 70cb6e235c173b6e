package listing

import (
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"chelal/internal/apperr"
)

// cursor names the last row of a page by its values in the order of the list.
type cursor struct {
	Ordering string   `json:"o"`
	Key      []string `json:"k"`
}

var invalidCursor = apperr.InvalidFields(apperr.Field{Name: "cursor", Code: "invalid_cursor",
	Message: "This is not a cursor of this list in this order. Begin with an empty cursor=."})

func encodeCursor(ordering string, key []string) string {
	text, err := json.Marshal(cursor{ordering, key})
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

func decodeCursor(s, ordering string, columns int) ([]string, error) {
	text, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, invalidCursor.Because(err)
	}
	var c cursor
	if err := json.Unmarshal(text, &c); err != nil || c.Ordering != ordering || len(c.Key) != columns {
		return nil, invalidCursor.Because(err)
	}
	return c.Key, nil
}

// explainCursor tells a forged cursor, whose values PostgreSQL cannot read, from a
// fault of this program.
func explainCursor(r Request, err error) error {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok && r.Cursor != nil && pgErr.Code[:2] == "22" {
		return invalidCursor.Because(err)
	}
	return err
}
