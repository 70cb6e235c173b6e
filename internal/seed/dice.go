package seed

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
)

// dice draws from lists. Each kind of row has dice of its own, so that the people
// of a seed do not change with the number of appointments.
type dice struct{ *rand.Rand }

const (
	doctorDice uint64 = iota
	patientDice
	appointmentDice
)

func newDice(seed, kind uint64) dice { return dice{rand.New(rand.NewPCG(seed, kind))} }

func (d dice) chance(share float64) bool { return d.Float64() < share }

// oneOf draws one of a list, each as likely as the other.
func (d dice) oneOf(list []string) string { return list[d.IntN(len(list))] }

// common draws one of a list that stands in order of frequency: the first of sixty
// comes about fourteen times as often as the last.
func (d dice) common(list []string) string {
	u := d.Float64()
	return list[int(float64(len(list))*u*math.Sqrt(u))]
}

// weighted draws an index by weights.
func (d dice) weighted(weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := d.IntN(total)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	panic("the weights have changed while drawing")
}

// between draws from low up to, not including, high.
func (d dice) between(low, high int) int { return low + d.IntN(high-low) }

// fill turns a pattern into text: # is a digit, % a house number, & a street and $
// a town of the culture.
func (d dice) fill(pattern string, c *culture) string {
	var b strings.Builder
	for _, sign := range pattern {
		switch sign {
		case '#':
			b.WriteByte(byte('0' + d.IntN(10)))
		case '%':
			b.WriteString(strconv.Itoa(1 + int(300*d.Float64()*d.Float64())))
		case '&':
			b.WriteString(d.oneOf(c.streets))
		case '$':
			b.WriteString(d.common(c.towns))
		default:
			b.WriteRune(sign)
		}
	}
	return b.String()
}
