package fastjson

import (
	"bytes"
	"reflect"
	"sync"
)

// keptAtMost is how many shared slices are kept.
const keptAtMost = 32

// sliceID tells slices apart that exist at the same time.
type sliceID struct {
	at     uintptr
	length int
	of     reflect.Type
}

// sharedSlice is a slice that stands in several answers. It is held, so that no other slice can
// get its place in memory while it is known.
type sharedSlice struct {
	id    sliceID
	held  reflect.Value
	once  sync.Once
	text  []byte
	fails bool
}

// shared are the slices of Share, the oldest of them at next.
var shared struct {
	sync.RWMutex
	known map[sliceID]*sharedSlice
	kept  [keptAtMost]*sharedSlice
	next  int
}

// Share has a slice that stands in several answers, or the slices among the fields of a struct
// that is several answers, written once for all of them, as long as they are among the last
// that were shared. They must not be changed any more.
func Share(answer any) {
	switch v := reflect.ValueOf(answer); v.Kind() {
	case reflect.Slice:
		share(v)
	case reflect.Struct:
		for f, field := range v.Fields() {
			if f.IsExported() && field.Kind() == reflect.Slice {
				share(field)
			}
		}
	}
}

func share(v reflect.Value) {
	if v.Len() == 0 {
		return
	}
	s := &sharedSlice{id: idOf(v), held: v}
	shared.Lock()
	defer shared.Unlock()
	if shared.known[s.id] != nil {
		return
	}
	if shared.known == nil {
		shared.known = map[sliceID]*sharedSlice{}
	}
	if oldest := shared.kept[shared.next]; oldest != nil {
		delete(shared.known, oldest.id)
	}
	shared.known[s.id], shared.kept[shared.next] = s, s
	shared.next = (shared.next + 1) % keptAtMost
}

func idOf(v reflect.Value) sliceID { return sliceID{v.Pointer(), v.Len(), v.Type()} }

// orShared writes a slice anew unless it is a shared one.
func orShared(write writer) writer {
	return func(text []byte, v reflect.Value) ([]byte, error) {
		shared.RLock()
		s := shared.known[idOf(v)]
		shared.RUnlock()
		if s == nil {
			return write(text, v)
		}
		s.once.Do(func() {
			kept := spare.Get().(*[]byte)
			written, err := write((*kept)[:0], s.held)
			s.text, s.fails = bytes.Clone(written), err != nil
			keep(kept, written)
		})
		if s.fails {
			return write(text, v)
		}
		return append(text, s.text...), nil
	}
}
