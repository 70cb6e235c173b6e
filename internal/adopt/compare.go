package adopt

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// byName are the tables whose rows are told by their name or key, not by their id.
var byName = []string{"role", "systemsetting"}

// elsewhere are the columns that stand elsewhere or in another form here, each with its reason.
var elsewhere = map[string]string{
	"user.role_id":                        "roles match by name",
	"rolechangerequest.requested_role_id": "roles match by name",
	"user.two_factor_secret":              "never verified by the source, and no secret is kept in plain text; two_factor_enabled tells",
	"medication.updated_at":               "the opening stock is the last change",
}

// same says how a column is compared where NULL and none are written otherwise.
func same(t table, c column) string {
	here, was := "c."+pgx.Identifier{c.name}.Sanitize(), "s."+pgx.Identifier{c.name}.Sanitize()
	switch t.name + "." + c.name {
	case "user.email":
		was = "nullif(" + was + ", '')"
	case "user.profile_image":
		was = "nullif(" + was + ", '')"
	case "user.preferences":
		was = "coalesce(" + was + ", '{}')"
	}
	return here + " IS NOT DISTINCT FROM " + was
}

// compare holds every value here against the copy: each is as it was, or there is an issue that
// tells what it was.
func compare(ctx context.Context, tx pgx.Tx) error {
	for _, t := range tables {
		if slices.Contains(byName, t.name) {
			continue
		}
		for _, c := range t.columns {
			if elsewhere[t.name+"."+c.name] != "" {
				continue
			}
			var differing, first int64
			// A row that is not here is told by an issue of any of its columns.
			if err := tx.QueryRow(ctx, fmt.Sprintf(`SELECT count(*), coalesce(min(s.id), 0) FROM %s s LEFT JOIN %s c ON c.id = s.id
				WHERE NOT (c.id IS NOT NULL AND %s) AND NOT EXISTS (SELECT FROM core_adoptionissue i
					WHERE i.table_name = $1 AND i.row_id = s.id AND (i.column_name = $2 OR c.id IS NULL))`,
				t.copied(), t.here(), same(t, c)), t.name, c.name).Scan(&differing, &first); err != nil {
				return err
			}
			if differing > 0 {
				return fmt.Errorf("%d values of core_%s.%s differ from the source without an issue that tells why, the first in row %d: "+
					"please report this as a defect", differing, t.name, c.name, first)
			}
		}
	}
	return finish(ctx, tx)
}

// finish notes how many rows there were and are, and drops the copy: nobody looks after it.
func finish(ctx context.Context, tx pgx.Tx) error {
	var counts []Count
	for _, t := range tables {
		c := Count{Table: "core_" + t.name}
		if err := tx.QueryRow(ctx, fmt.Sprintf("SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %s)", t.copied(), t.here())).Scan(&c.Source, &c.Here); err != nil {
			return err
		}
		counts = append(counts, c)
	}
	if _, err := tx.Exec(ctx, "UPDATE core_adoptionstep SET counts = $1 WHERE name = $2", counts, lastStep); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO core_auditlog (action, object_type, description, details)
		SELECT 'create', 'hospital', 'hospital: taken over from the Django system', jsonb_build_object('rows', counts)
		FROM core_adoptionstep WHERE name = $1`, lastStep)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DROP SCHEMA adoption CASCADE")
	return err
}

// report reads what came of it.
func (a *adoption) report(ctx context.Context) (r Report, err error) {
	if err := a.to.QueryRow(ctx, "SELECT counts FROM core_adoptionstep WHERE name = $1", lastStep).Scan(&r.Tables); err != nil {
		return r, err
	}
	rows, err := a.to.Query(ctx, `SELECT table_name, column_name, code, count(*), min(row_id) FROM core_adoptionissue
		GROUP BY table_name, column_name, code ORDER BY table_name, column_name, code`)
	if err != nil {
		return r, err
	}
	if r.Issues, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Issue]); err != nil || a.options.Issues == nil {
		return r, err
	}
	_, err = a.to.PgConn().CopyTo(ctx, a.options.Issues, `COPY (SELECT table_name, row_id, column_name, code, old_value, new_value
		FROM core_adoptionissue ORDER BY table_name, row_id, column_name, code) TO STDOUT (FORMAT csv, HEADER)`)
	return r, err
}

// Explain answers what a code says, as a sentence.
func Explain(code string) string {
	if sentence, ok := sentences[code]; ok {
		return sentence
	}
	return strings.ReplaceAll(code, "_", " ")
}

var sentences = map[string]string{
	"role_renamed":           "written as the role of that name is here",
	"email_taken":            "another account has this e-mail; this one has none now",
	"email_is_username":      "the username looks like an e-mail and is the account's e-mail now",
	"username_changed":       "another account has this username as its e-mail; this one was renamed and has to sign in so",
	"language_unknown":       "not a language of the system; English now",
	"password_unreadable":    "hashed in a way that is not known here; the account needs a new one",
	"preferences_unreadable": "not an object; empty now",
	"image_left_behind":      "--media did not say where the pictures are; its owner uploads it anew",
	"image_missing":          "there is no such file in the folder of --media",
	"image_unreadable":       "the file is not a picture that can be drawn; its owner uploads another",
	"image_redrawn":          "drawn anew, under a name that nobody can guess",
	"email_trimmed":          "written without the blanks around it",
	"address_was_network":    "a network; its first address now",
	"second_factor_off":      "the second factor was never asked for; it is off until its owner sets it up",
	"name_missing":           "a first name is needed, and blanks around one are none",
	"gender_unknown":         "not one of the known values; unknown now, and blanks around one are gone",
	"status_renamed":         "written as the status is called here",
	"appointments_overlap":   "overlaps an earlier one; kept as overbooked",
	"name_taken":             "another medication has this name, or there was none; its number was added",
	"stock_too_large":        "more than 1,000,000,000; as much now",
	"description_missing":    "a line says what it is for",
	"line_amount_moved":      "the lines said more than the bill's total; the amount stands in the line that makes up the total",
	"quantity_below_one":     "a line is of one at least",
	"total_negative":         "a bill asks nothing or more",
	"bill_overpaid":          "more was paid than the total; the total was raised to it by a line",
	"total_is_not_the_sum":   "the lines did not add up to the total; a line makes up the difference",
	"paid_without_payments":  "marked as paid, but the payments are less than the total; open now",
	"paid_and_not_marked":    "marked as open, but the payments are the total; paid now",
	"payment_of_nothing":     "a payment of 0.00 is none; the row is kept here",
	"payment_negative":       "kept as a refund of the bill's payments",
	"refund_without_payment": "more was given back than was paid; the rest is no refund, and stands here alone",
	"method_renamed":         "written as the way of paying is called here; Cash where none is known",
	"request_closed":         "only the last open request for a role stays open, and unknown states are rejected",
	"own_request_decided":    "nobody decides the own request; the reviewer is not kept",
	"setting_not_valid":      "not a value that this setting may have; the one here stands",
	"column_unknown":         "a column that the Django system does not have; it was not taken over",
	"table_left_behind":      "rights go by role here; the rows were not taken over",
}
