package seed

import (
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// person is somebody who could live in the city.
type person struct {
	from          *culture
	woman         bool
	given, family string
}

var cultureWeights = func() (weights []int) {
	for _, c := range cultures {
		weights = append(weights, c.weight)
	}
	return weights
}()

func (d dice) person() person {
	const women, marriedAcross = 0.54, 0.06
	p := person{from: cultures[d.weighted(cultureWeights)], woman: d.chance(women)}
	p.given = d.given(p.from, p.woman)
	relatives := p.from
	if d.chance(marriedAcross) {
		relatives = cultures[d.weighted(cultureWeights)]
	}
	p.family = d.family(relatives)
	return p
}

func (d dice) given(c *culture, woman bool) string {
	const withBoth = 0.4
	own, baptismal := c.male, english.male
	if woman {
		own, baptismal = c.female, english.female
	}
	name := d.common(own)
	if !d.chance(c.baptised) {
		return name
	}
	if d.chance(withBoth) {
		return d.common(baptismal) + " " + name
	}
	return d.common(baptismal)
}

func (d dice) family(c *culture) string {
	name := d.common(c.family)
	if !d.chance(c.twoPart) {
		return name
	}
	if second := d.common(c.family); second != name {
		return name + c.joint + second
	}
	return name
}

// gender is the word on the patient's card. Cards from older registers hold letters.
func (d dice) gender(p person) string {
	word, letter := "male", "M"
	if p.woman {
		word, letter = "female", "F"
	}
	words := []string{word, letter, "unknown", "other", "prefer-not-to-say", "U", "O"}
	return words[d.weighted([]int{9600, 250, 60, 40, 30, 15, 5})]
}

// ages are those of people who come to a hospital: infants, women who bear
// children and the old come more often than the population's shares.
var ages = []struct{ women, men, from, to int }{
	{11, 15, 0, 1}, {9, 13, 1, 5}, {7, 11, 5, 15}, {19, 9, 15, 25}, {26, 13, 25, 38},
	{12, 15, 38, 55}, {10, 15, 55, 72}, {5, 8, 72, 88}, {1, 1, 88, 100},
}

// birth draws the birth date of somebody who registers at a time.
func (d dice) birth(p person, registered time.Time) time.Time {
	weights := make([]int, len(ages))
	for i, a := range ages {
		weights[i] = a.men
		if p.woman {
			weights[i] = a.women
		}
	}
	a := ages[d.weighted(weights)]
	days := d.between(a.from*365, a.to*365)
	return dateOf(registered).AddDate(0, 0, -days)
}

func (d dice) contact(p person) string {
	const email, none = 0.05, 0.03
	switch u := d.Float64(); {
	case u < none:
		return ""
	case u < none+email:
		return plain(p.given) + d.fill("##@example.", p.from) + d.oneOf([]string{"org", "com"})
	default:
		return d.fill(d.common(p.from.phones), p.from)
	}
}

var spelledOut = strings.NewReplacer("ø", "o", "æ", "ae", "œ", "oe", "ß", "ss", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i")

// plain is a name in the letters a to z, for usernames and e-mail addresses.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1
		}
		return r
	}, norm.NFD.String(spelledOut.Replace(strings.ToLower(name))))
}
