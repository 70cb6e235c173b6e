package allergy

// kind is what a word does in a text.
type kind uint8

const (
	word        kind = iota // not known
	name                    // of an allergen
	number                  // a dose, a date
	breakPart               // another part follows
	breakClause             // a remark to the same part follows
	question                // a question mark
	none                    // "NKDA": no allergy is known
	no                      // "no", "sans": the same, or takes back one allergen
	negation                // "not": takes back one allergen
	except                  // "but": what follows counts again
	known                   // "known"
	unsure                  // "not known": nobody knows
	allergy                 // "allergic"
	drugs                   // "medicines"
	food                    // "food"
	anyOf                   // "any"
	other                   // "other"
	and                     // another part follows
	or                      // another part follows
	glue                    // "of", "the", "patient"
	noise                   // "rash", "severe", "possible"
	form                    // "mg", "tablets", "hydrochloride"
)

// kindNames are the kinds that table/words.txt lists.
var kindNames = map[string]kind{
	"none": none, "no": no, "negation": negation, "except": except, "known": known, "unsure": unsure,
	"allergy": allergy, "drugs": drugs, "food": food, "any": anyOf, "other": other, "and": and, "or": or,
	"glue": glue, "noise": noise, "form": form,
}

// kinds is a set.
type kinds uint32

func kindsOf(of ...kind) (set kinds) {
	for _, k := range of {
		set |= 1 << k
	}
	return set
}

func (set kinds) has(k kind) bool { return set&(1<<k) != 0 }
