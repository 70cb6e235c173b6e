package allergy

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

//go:embed table/*.txt
var tableFiles embed.FS

// concept is what a name stands for: a substance, a class of substances, or an
// allergen that is no medicine.
type concept struct {
	name     string
	class    bool
	drug     bool
	reacts   bool   // a class: its members count against each other
	note     string // a class: what a doctor is told
	parents  []int
	above    set  // itself, its classes and their groups
	reach    set  // above, and all that it comprises
	harmless bool // counts against no medicine
}

// entry is what the table knows of a word or phrase.
type entry struct {
	kind     kind
	concepts []int
}

type rule struct {
	left, right int
	mutual      bool
	note        string
}

// forward is a class that is named before its line is read.
type forward struct{ at, class string }

type table struct {
	concepts  []concept
	ids       map[string]int // by the canonical name
	entries   map[string]entry
	longest   int // words in the longest phrase
	rules     []rule
	reacting  set // the classes whose members count against each other
	excipient int
	sounds    soundIndex
	later     []forward
	problems  []string // what is wrong with the files, for a test
}

// theTable is read on first use and shared; nothing changes it afterwards.
var theTable = sync.OnceValue(func() *table {
	t := &table{ids: map[string]int{}, entries: map[string]entry{}}
	t.each("classes", 6, t.class)
	for _, file := range []string{"anti-infectives", "pain-anaesthesia", "heart-hormones", "other-medicines"} {
		t.each(file, 4, t.substance)
	}
	t.each("non-drugs", 3, t.nonDrug)
	t.each("combinations", 2, t.combination)
	t.connect()
	t.each("crossreactions", 5, t.crossReaction)
	t.each("words", 3, t.words)
	t.excipient = t.id("excipients")
	t.judgeHarm()
	t.sounds = indexSounds(t.entries)
	return t
})

// each hands over the fields of every line of a file that is not a comment. A line
// that begins with a space continues the one before.
func (t *table) each(file string, fields int, take func(at string, f []string)) {
	content, err := tableFiles.ReadFile("table/" + file + ".txt")
	if err != nil {
		t.problem(file, "%v", err)
	}
	lines := strings.Split(string(content), "\n")
	for i := 0; i < len(lines); i++ {
		line, at := lines[i], fmt.Sprintf("%s:%d", file, i+1)
		if line == "" || line[0] == '#' {
			continue
		}
		for ; i+1 < len(lines) && strings.HasPrefix(lines[i+1], " "); i++ {
			line += " " + strings.TrimSpace(lines[i+1])
		}
		f := strings.Split(line, "|")
		if len(f) != fields {
			t.problem(at, "%d fields instead of %d", len(f), fields)
			continue
		}
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		take(at, f)
	}
}

func (t *table) problem(at, format string, args ...any) {
	t.problems = append(t.problems, at+": "+fmt.Sprintf(format, args...))
}

// list splits a field of several values; "-" is none.
func list(field, separator string) (values []string) {
	if field == "-" {
		return nil
	}
	for v := range strings.SplitSeq(field, separator) {
		values = append(values, strings.TrimSpace(v))
	}
	return values
}

func (t *table) class(at string, f []string) {
	note := f[4]
	if note == "-" {
		note = ""
	}
	if f[2] != "yes" && f[2] != "no" {
		t.problem(at, "react is %q", f[2])
	}
	t.add(at, concept{name: f[0], class: true, drug: true, reacts: f[2] == "yes", note: note}, f[1], f[3])
}

func (t *table) substance(at string, f []string) {
	t.add(at, concept{name: f[0], drug: true}, f[1], f[2], f[3])
}

func (t *table) nonDrug(at string, f []string) {
	t.add(at, concept{name: f[0]}, "-", f[2])
}

// add lists a concept under all its names. Parents are named; they are resolved when
// all concepts are known.
func (t *table) add(at string, c concept, parents string, names ...string) {
	id := len(t.concepts)
	if _, twice := t.ids[c.name]; twice {
		t.problem(at, "%q twice", c.name)
	}
	t.ids[c.name] = id
	for _, p := range list(parents, ",") {
		c.parents = append(c.parents, t.parent(at, p))
	}
	t.concepts = append(t.concepts, c)
	t.put(at, c.name, entry{name, []int{id}})
	for _, field := range names {
		for _, n := range list(field, ",") {
			t.put(at, n, entry{name, []int{id}})
		}
	}
}

// put lists a name or a word; the first meaning stays.
func (t *table) put(at, text string, e entry) {
	key := normal(text)
	if key == "" {
		t.problem(at, "an empty name")
		return
	}
	if have, ok := t.entries[key]; ok {
		if have.kind != e.kind || !slices.Equal(have.concepts, e.concepts) {
			t.problem(at, "%q has another meaning already", key)
		}
		return
	}
	t.entries[key] = e
	t.longest = max(t.longest, strings.Count(key, " ")+1)
}

func (t *table) combination(at string, f []string) {
	var parts []int
	for _, p := range list(f[0], "+") {
		parts = append(parts, t.known(at, p))
	}
	for _, n := range list(f[1], ",") {
		t.put(at, n, entry{name, parts})
	}
}

func (t *table) crossReaction(at string, f []string) {
	if f[1] != "<>" && f[1] != ">" {
		t.problem(at, "%q is no direction", f[1])
	}
	t.rules = append(t.rules, rule{t.known(at, f[0]), t.known(at, f[2]), f[1] == "<>", f[3]})
}

func (t *table) words(at string, f []string) {
	k, ok := kindNames[f[0]]
	if !ok {
		t.problem(at, "%q is no kind of word", f[0])
	}
	for _, w := range list(f[2], ",") {
		t.put(at, w, entry{kind: k})
	}
}

// known is the id of a canonical name.
func (t *table) known(at, canonical string) int {
	id, ok := t.ids[canonical]
	if !ok {
		t.problem(at, "%q is not in the table", canonical)
	}
	return id
}

func (t *table) id(canonical string) int { return t.known("table", canonical) }
