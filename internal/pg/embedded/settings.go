package embedded

import "strconv"

// settings differ from PostgreSQL's own for a reason each. They are arguments, not
// lines of postgresql.conf, so that a folder made by an older release gets them too.
func (c *cluster) settings(b build, port int) []string {
	all := []string{
		"listen_addresses=127.0.0.1", // private to this machine
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=", // a socket's path may not be longer than 107 bytes; a project folder's may
		"max_connections=200",      // the pool, the workers, a person's psql, and parallel tests
		"max_wal_size=4GB",         // seeding a hospital writes gigabytes, and
		"checkpoint_timeout=15min", // each checkpoint would slow it
		"min_wal_size=1GB",         // to make a new segment holds up all who commit; old ones are used again
		"random_page_cost=1.1",     // no disk has to turn
		"jit=off",                  // compiling costs these short queries more than it gains
		"cluster_name=chelal",      // says in ps whose server it is
	}
	if b.statements {
		all = append(all, "shared_preload_libraries=pg_stat_statements") // the slowest queries, one SELECT away
	}
	if c.unsafe {
		all = append(all, "fsync=off", "synchronous_commit=off", "full_page_writes=off") // nobody will miss a test's data
	}
	return all
}

// locales are initdb's options in the order of preference. Each sorts by code
// point, so that every machine sorts alike. Older systems, macOS above all, have
// no C.UTF-8; PostgreSQL brings its own from 17 on. Plain C, the last resort,
// does not know that É is the capital of é.
func locales(major int) [][]string {
	all := [][]string{{"--locale=C.UTF-8"}}
	if major >= 17 {
		all = append(all, []string{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"})
	}
	return append(all, []string{"--locale=C"})
}
