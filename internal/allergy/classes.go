package allergy

// set is a set of concepts.
type set []uint64

func newSet(size int) set { return make(set, (size+63)/64) }

func (s set) add(id int)      { s[id/64] |= 1 << (id % 64) }
func (s set) has(id int) bool { return s[id/64]&(1<<(id%64)) != 0 }

func (s set) union(of set) {
	for i := range s {
		s[i] |= of[i]
	}
}

// parent notes a class by name; one that stands further below gets its id when all
// are known.
func (t *table) parent(at, class string) int {
	if id, ok := t.ids[class]; ok {
		return id
	}
	t.later = append(t.later, forward{at, class})
	return -len(t.later)
}

// connect works out what every concept belongs to and what it comprises.
func (t *table) connect() {
	size := len(t.concepts)
	t.reacting = newSet(size)
	for id := range t.concepts {
		c := &t.concepts[id]
		for i, p := range c.parents {
			if p < 0 {
				c.parents[i] = t.known(t.later[-p-1].at, t.later[-p-1].class)
			}
			if !t.concepts[c.parents[i]].class {
				t.problem(c.name, "belongs to %q, which is no class", t.concepts[c.parents[i]].name)
			}
		}
		c.above, c.reach = newSet(size), newSet(size)
		if c.reacts {
			t.reacting.add(id)
		}
	}
	for id := range t.concepts {
		t.climb(t.concepts[id].above, id)
	}
	for id := range t.concepts {
		t.concepts[id].reach.union(t.concepts[id].above)
		for class := range t.concepts {
			if t.concepts[id].above.has(class) {
				t.concepts[class].reach.add(id)
			}
		}
	}
}

func (t *table) climb(above set, id int) {
	if above.has(id) {
		return
	}
	above.add(id)
	for _, p := range t.concepts[id].parents {
		t.climb(above, p)
	}
}

// judgeHarm marks the allergens that no rule sets against a medicine.
func (t *table) judgeHarm() {
	for id := range t.concepts {
		t.concepts[id].harmless = !t.concepts[id].drug
	}
	for _, r := range t.rules {
		t.concepts[r.left].harmless = false
	}
}
