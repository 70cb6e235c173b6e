package seed

import "strings"

var (
	allergens = list(`Penicillin, Sulfa drugs, Aspirin, Peanuts, Amoxicillin, Ibuprofen, Latex, Codeine, Shellfish,
		Bee venom, Co-trimoxazole, Eggs, Diclofenac, Cow's milk, Dust mites, Ciprofloxacin, Pollen, Erythromycin, Morphine,
		Quinine, Iodine contrast, Ceftriaxone, Fish, Sulfadoxine, Metronidazole, Chloroquine, Tramadol, Soya, Wheat,
		Tetracycline, Cephalosporins, Nuts, Groundnuts, Pénicilline, Paracetamol, Strawberries, Adhesive tape,
		Insect bites, Metformin, Gelatine`)
	reactions = list(`rash, hives, anaphylaxis, swelling of the face, vomiting, wheezing, itching, mild rash,
		childhood, Stevens-Johnson syndrome`)
	noAllergies = list(`No known allergies, NKDA, None, None known, NKA, No known drug allergies, Nil, none,
		no allergies, Aucune, Aucune allergie connue, Hakuna, Hakuna mzio, Hana mzio wowote, Nil known, N/A`)
	separators = []string{", ", ", ", ", ", "; ", " and ", " / ", "\n"}
)

// allergies is what a registration desk writes down: mostly nothing, and the rest
// in many spellings.
func (d dice) allergies() string {
	const nothing, none = 0.70, 0.08
	switch u := d.Float64(); {
	case u < nothing:
		return ""
	case u < nothing+none:
		return d.common(noAllergies)
	}
	separator := d.oneOf(separators)
	named := []string{d.allergy()}
	for range d.weighted([]int{75, 19, 6}) {
		if next := d.allergy(); !strings.Contains(strings.Join(named, separator), next) {
			named = append(named, next)
		}
	}
	return strings.Join(named, separator)
}

func (d dice) allergy() string {
	const lower, withReaction = 0.15, 0.12
	name := d.common(allergens)
	if d.chance(lower) {
		name = strings.ToLower(name)
	}
	if d.chance(withReaction) {
		name += " (" + d.common(reactions) + ")"
	}
	return name
}
