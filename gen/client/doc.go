// Package client is the Go client of a CHELAL server. What stands in client.gen.go is
// generated from the contract: a method for each operation, and a type for each schema. The
// rest makes it pleasant: [Open] signs in and returns a [Session], whose methods are those of
// the operations. It keeps the tokens fresh, repeats what is safe to repeat, and turns what
// is refused into a [ProblemError], so that after a nil error the answer of the success is
// there. [All] walks through lists to their end, and [Session.Live] listens to news.
package client
