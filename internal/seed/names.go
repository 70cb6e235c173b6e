package seed

import "strings"

// culture is where a person's name, address and telephone come from. Its lists
// stand in order of frequency, the commonest first.
type culture struct {
	weight               int // its share of the patients
	male, female, family []string
	baptised             float64 // how many carry an English given name, many of them before their own
	twoPart              float64 // how many carry two family names
	joint                string  // what stands between the two
	towns, streets       []string
	addresses, phones    []string // patterns: see dice.fill
}

// cultures are those of a large East African city and of its guests.
var cultures = []*culture{
	&kikuyu, &luo, &luhya, &swahili, &amharic, &somali,
	&yoruba, &igbo, &akan,
	&indian, &arabic, &chinese, &japanese, &vietnamese,
	&english, &french, &spanish, &nordic,
}

var (
	kenyanPhones    = list(`+254 7## ### ###, 07## ### ###, +2547########, 07########, +254 1## ### ###, 01## ### ###`)
	kenyanAddresses = patterns(`P.O. Box %-#0#00, $; % &, $; &, $; P.O. Box %, $; &, House %, $`)
)

// list reads names that are parted by commas.
func list(names string) []string { return split(names, ",") }

// patterns reads patterns, which may hold commas, parted by semicolons.
func patterns(text string) []string { return split(text, ";") }

func split(text, mark string) []string {
	parts := strings.Split(text, mark)
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
	}
	return parts
}
