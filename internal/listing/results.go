package listing

import (
	"sync"
	"sync/atomic"

	"chelal/internal/fastjson"
)

// results are what was made of a page's rows, for all who share its reading.
type results struct {
	once   sync.Once
	made   any
	askers atomic.Int64
}

// Results converts the rows of a page, once for all who share its reading, and has them written
// once, too. The converter is a function of the row alone, the same for every caller; what it
// made is not to be changed. The result is never nil.
func Results[R, A any](p Page[R], convert func(R) A) []A {
	p.results.once.Do(func() {
		made := make([]A, len(p.Rows))
		for i, row := range p.Rows {
			made[i] = convert(row)
		}
		p.results.made = made
	})
	made := p.results.made.([]A)
	if p.results.askers.Add(1) == 2 {
		fastjson.Share(made)
	}
	return made
}
