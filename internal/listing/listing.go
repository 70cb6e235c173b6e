// Package listing completes sqlc's list queries: filters, order, and a page by number
// or by keyset. The columns and their types stay checked by sqlc; what is added here is
// only the end of the statement, so each combination has a plan of its own.
package listing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"chelal/gen/db"
	"chelal/internal/apperr"
	"chelal/internal/pg"
)

// The sizes of a page, and how far numbered pages and exact counts reach.
const (
	DefaultSize = 20
	MaxSize     = 200
	Reach       = 10_000
)

// List is a resource's list.
type List[R any] struct {
	// Query is the text of sqlc's query, which ends in a WHERE clause.
	Query string
	// Rows runs that query.
	Rows func(ctx context.Context, conn db.DBTX) ([]R, error)
	// Orders are the fields that ?ordering= knows.
	Orders map[string]Order[R]
}

// Order is one way to sort a list.
type Order[R any] struct {
	// Columns with their types, the last of them unique: "p.id bigint".
	Columns []Column
	// Key returns a row's values of the columns, as PostgreSQL reads them.
	Key func(R) []string
}

// Column is an expression of the query and its type.
type Column struct{ Name, Type string }

// Condition narrows a list. Each ? in SQL stands for one of Args.
type Condition struct {
	SQL  string
	Args []any
}

// Request is what the caller asks of a list.
type Request struct {
	// Ordering is a key of Orders, with - for descending.
	Ordering string
	// Page counts from 1 and is used when Cursor is nil.
	Page, Size int64
	// Cursor is empty to begin, then what Page.Next said.
	Cursor *string
	Where  []Condition
}

// Page is an answer.
type Page[R any] struct {
	Rows []R
	// Count is nil with a cursor; beyond Reach it may be an estimate.
	Count      *int64
	IsEstimate bool
	// More says that another page follows; Next is its cursor when the request used one.
	More bool
	Next string

	results *results
}

// Read answers one page, in at most three statements whatever its size, which those who ask
// for the same at the same time share. It returns NotFound (invalid_page) past the end and
// Invalid for a cursor it did not make.
func (l List[R]) Read(ctx context.Context, conn pg.DB, r Request) (Page[R], error) {
	r.Size = min(max(r.Size, 1), MaxSize)
	where, args := compile(r.Where)
	return pg.Alike(ctx, conn, l.asked(r, where, args), func(ctx context.Context) (Page[R], error) {
		return l.page(ctx, conn, r, where, args)
	})
}

// asked is all that a page depends on, to be compared.
type asked struct {
	query, where, args, ordering string
	page, size                   int64
	cursor                       string
	byCursor                     bool
}

func (l List[R]) asked(r Request, where string, args []any) asked {
	a := asked{query: l.Query, where: where, args: fmt.Sprintf("%#v", args), ordering: r.Ordering, page: r.Page, size: r.Size}
	if r.Cursor != nil {
		a.cursor, a.byCursor = *r.Cursor, true
	}
	return a
}

func (l List[R]) page(ctx context.Context, conn pg.DB, r Request, where string, args []any) (Page[R], error) {
	if r.Cursor != nil {
		return l.read(ctx, conn, r, where, args)
	}
	page, count, estimate, err := l.counted(ctx, conn, r, where, args)
	if err != nil {
		return page, err
	}
	if r.Page > 1 && len(page.Rows) == 0 {
		return page, pastTheEnd
	}
	page.Count, page.IsEstimate = &count, estimate
	page.More = page.More && r.Page*r.Size < Reach
	return page, nil
}

// counted answers a numbered page and how many rows match.
func (l List[R]) counted(ctx context.Context, conn pg.DB, r Request, where string, args []any) (page Page[R], count int64, isEstimate bool, err error) {
	if searched(where) && r.within() {
		page, count, err = l.found(ctx, conn, r, where, args)
		if err != nil || count <= Reach {
			return page, count, false, err
		}
		if page, err = l.read(ctx, conn, r, where, args); err != nil {
			return page, 0, false, err
		}
		believed, err := estimate(ctx, conn, l.from()+where, args)
		return page, max(believed, count), true, err
	}
	if page, err = l.read(ctx, conn, r, where, args); err != nil {
		return page, 0, false, err
	}
	count, isEstimate, err = l.count(ctx, conn, where, args)
	return page, count, isEstimate, err
}

// within reports whether the page begins within Reach.
func (r Request) within() bool { return r.Page <= max(Reach/r.Size, 1) } // a product would overflow

var pastTheEnd = apperr.New(apperr.NotFound, "invalid_page",
	"There is no such page. Numbered pages reach as far as row 10,000; walk through longer lists with cursor=.")

func (l List[R]) read(ctx context.Context, conn pg.DB, r Request, where string, args []any) (Page[R], error) {
	order, descending, err := l.order(r)
	if err != nil {
		return Page[R]{}, err
	}
	tail, looking := where, len(args) > 0
	switch {
	case r.Cursor != nil && *r.Cursor != "":
		key, err := decodeCursor(*r.Cursor, r.Ordering, len(order.Columns))
		if err != nil {
			return Page[R]{}, err
		}
		tail += order.after(len(args), descending)
		args = slices.Clip(args)
		for _, value := range key {
			args = append(args, value)
		}
	case r.Cursor == nil && !r.within():
		return Page[R]{}, pastTheEnd
	}
	if r.Cursor == nil && r.Page > 1 {
		tail += order.from(l.from()+where, (r.Page-1)*r.Size, descending)
	}
	tail += order.clause(descending) + fmt.Sprintf(" LIMIT %d", r.Size+1)
	rows, err := l.Rows(ctx, completed{DBTX: conn, tail: tail, args: args, anew: looking || r.Page > 1})
	if err != nil {
		return Page[R]{}, explainCursor(r, err)
	}
	return cut(rows, r, order), nil
}

// found answers the page of a search and how many rows match, in one statement: the rows are
// spread all over the table, and looking for them is what costs. It looks for no more than
// Reach and one; when there are so many, the page is of no use.
func (l List[R]) found(ctx context.Context, conn pg.DB, r Request, where string, args []any) (page Page[R], count int64, err error) {
	order, descending, err := l.order(r)
	if err != nil {
		return page, 0, err
	}
	var names, keys []string
	var byKey Order[R]
	for i, c := range order.Columns {
		key := fmt.Sprintf("k%d", i)
		names, keys = append(names, c.Name), append(keys, c.Name+" AS "+key)
		byKey.Columns = append(byKey.Columns, Column{Name: key})
	}
	rows, err := l.Rows(ctx, completed{
		DBTX: conn, args: args, anew: true, count: &count,
		with: fmt.Sprintf("WITH found AS MATERIALIZED (SELECT %s %s LIMIT %d)\n", strings.Join(keys, ", "), l.from()+where, Reach+1),
		tail: fmt.Sprintf(" AND (%s) IN (SELECT * FROM found%s OFFSET %d LIMIT %d)", strings.Join(names, ", "),
			byKey.clause(descending), (r.Page-1)*r.Size, r.Size+1) + order.clause(descending),
	})
	return cut(rows, r, order), count, err
}

func (l List[R]) order(r Request) (order Order[R], descending bool, err error) {
	field, descending := strings.CutPrefix(r.Ordering, "-")
	order, ok := l.Orders[field]
	if !ok {
		return order, false, fmt.Errorf("listing: no order %q", field)
	}
	return order, descending, nil
}

// cut removes the one row too many that tells whether another page follows.
func cut[R any](rows []R, r Request, order Order[R]) Page[R] {
	page := Page[R]{Rows: rows, results: &results{}}
	if int64(len(rows)) > r.Size {
		page.Rows, page.More = rows[:r.Size], true
		if r.Cursor != nil {
			page.Next = encodeCursor(r.Ordering, order.Key(page.Rows[r.Size-1]))
		}
	}
	return page
}

func (o Order[R]) clause(descending bool) string {
	names := make([]string, len(o.Columns))
	for i, c := range o.Columns {
		names[i] = c.Name
		if descending {
			names[i] += " DESC"
		}
	}
	return " ORDER BY " + strings.Join(names, ", ")
}

// after is the condition that a row comes behind the cursor's; its arguments follow the
// given number of others.
func (o Order[R]) after(args int, descending bool) string {
	var names, values []string
	for i, c := range o.Columns {
		names = append(names, c.Name)
		values = append(values, fmt.Sprintf("$%d::text::%s", args+i+1, c.Type))
	}
	sign := ">"
	if descending {
		sign = "<"
	}
	return fmt.Sprintf(" AND (%s) %s (%s)", strings.Join(names, ", "), sign, strings.Join(values, ", "))
}

// from is the condition that a row is the one behind offset others, or comes after it. The
// rows passed over are read by their keys alone: an OFFSET on the whole statement would
// compute every column of them.
func (o Order[R]) from(rows string, offset int64, descending bool) string {
	var names []string
	for _, c := range o.Columns {
		names = append(names, c.Name)
	}
	key, sign := strings.Join(names, ", "), ">="
	if descending {
		sign = "<="
	}
	return fmt.Sprintf(" AND (%s) %s (SELECT %s %s%s LIMIT 1 OFFSET %d)", key, sign, key, rows, o.clause(descending), offset)
}

// from is the part of the query that says which rows there are. Those of subqueries stand
// before it, among the columns.
func (l List[R]) from() string { return l.Query[fromAt(l.Query):] }

func fromAt(query string) int { return strings.LastIndex(query, "FROM core_") }

func compile(conditions []Condition) (string, []any) {
	var sql strings.Builder
	var args []any
	for _, c := range conditions {
		sql.WriteString(" AND ")
		parts := strings.Split(c.SQL, "?")
		for i, part := range parts {
			sql.WriteString(part)
			if i < len(parts)-1 {
				fmt.Fprintf(&sql, "$%d", len(args)+i+1)
			}
		}
		args = append(args, c.Args...)
	}
	return sql.String(), args
}

// completed runs sqlc's list query with the rest of the statement behind it.
type completed struct {
	db.DBTX
	with  string // what stands before the query
	tail  string
	args  []any
	anew  bool   // whether it is planned anew each time
	count *int64 // gets what the countColumn holds, the same in each row; nil without one
}

// countColumn stands beside the columns that sqlc knows.
const countColumn = ", (SELECT count(*) FROM found)\n"

func (c completed) Query(ctx context.Context, sql string, _ ...any) (pgx.Rows, error) {
	if c.count != nil {
		name, query, _ := strings.Cut(sql, "\n")
		from := fromAt(query)
		sql = name + "\n" + c.with + query[:from] + countColumn + query[from:]
	}
	rows, err := c.DBTX.Query(ctx, sql+c.tail, planned(c.anew, c.args)...)
	if c.count != nil {
		rows = countedRows{rows, c.count}
	}
	return rows, err
}

// planned are arguments of a statement that has a plan made for them, anew each time, or that takes
// the connection's one plan for any. A word that many rows hold wants another plan than a rare one;
// where nothing is looked for, to make a plan takes longer than to read most pages. A statement that
// differs each time, in how many rows it passes over, would only fill the connection's memory.
func planned(anew bool, args []any) []any {
	if !anew {
		return args
	}
	return append([]any{pgx.QueryExecModeCacheDescribe}, args...)
}

// countedRows are rows with one column more than who scans them knows.
type countedRows struct {
	pgx.Rows
	count *int64
}

func (r countedRows) Scan(columns ...any) error { return r.Rows.Scan(append(columns, r.count)...) }
