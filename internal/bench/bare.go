package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"chelal/gen/db"
	"chelal/internal/listing"
	"chelal/internal/pg"
)

// serveBare is the limit: the same statements, and nothing else. It prints where it listens.
func serveBare(ctx context.Context, database string) error {
	pool, err := pg.Open(ctx, database)
	if err != nil {
		return err
	}
	defer pool.Close()
	answer := func(w http.ResponseWriter, value any, err error) {
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value) // the client is gone
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/patients/{id}/", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			answer(w, nil, err)
			return
		}
		row, err := db.New().PatientGet(r.Context(), pool, id, nil)
		answer(w, row, err)
	})
	mux.HandleFunc("GET /api/patients/{$}", func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		request := listing.Request{Ordering: "id", Page: 1, Size: 50, Where: listing.PatientsFound(query.Get("search"))}
		if query.Has("cursor") {
			cursor := query.Get("cursor")
			request.Cursor = &cursor
		}
		page, err := listing.Patients.Read(r.Context(), pool, request)
		answer(w, page, err)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("http://%s\n", ln.Addr())
	return http.Serve(ln, mux)
}
