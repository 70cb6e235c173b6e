package authn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"chelal/internal/authn"
)

const (
	short   = "password_too_short"
	long    = "password_too_long"
	common  = "password_too_common"
	numeric = "password_entirely_numeric"
	similar = "password_too_similar"
)

// The expectations are what Django 5.2 answers, but for the limit above.
func TestCheckPassword(t *testing.T) {
	t.Parallel()
	wanjiru := authn.Person{
		Username: "wanjiru.k", FirstName: "Wanjiru", LastName: "Kamau-Otieno", Email: "w.kamau@hospital.example",
	}
	for name, c := range map[string]struct {
		password string
		about    authn.Person
		want     []string
	}{
		"good":                        {"plum-Tractor-91", wanjiru, nil},
		"empty":                       {"", wanjiru, []string{short}},
		"short":                       {"short", wanjiru, []string{short}},
		"short, common and numeric":   {"1234", wanjiru, []string{short, common, numeric}},
		"seven characters, not bytes": {"ééééééé", wanjiru, []string{short}},
		"eight characters":            {"éééééééé", wanjiru, nil},
		"at the limit":                {strings.Repeat("øx", 64), wanjiru, nil},
		"over the limit":              {strings.Repeat("øx", 64) + "y", wanjiru, []string{long}},
		"common":                      {"password", wanjiru, []string{common}},
		"common, the first":           {"123456", wanjiru, []string{short, common, numeric}},
		"common, in spaces and case":  {" PassWord1 ", wanjiru, []string{common}},
		"two common ones in lines":    {"qwerty\npassword", wanjiru, nil},
		"numeric":                     {"5938201746", wanjiru, []string{numeric}},
		"numeric in Devanagari":       {"४५६७८९०१", wanjiru, []string{numeric}},
		"numeric in superscripts":     {"²²²²²²²²²²", wanjiru, []string{numeric}},
		"the username":                {"wanjiru.k", wanjiru, []string{similar}},
		"the first name and a digit":  {"Wanjiru1", wanjiru, []string{similar}},
		"at the ratio":                {"wanjiru1234", wanjiru, []string{similar}},
		"the last name, joined":       {"kamauotieno", wanjiru, []string{similar}},
		"in another order":            {"urijnaw12", wanjiru, []string{similar}},
		"part of the last name":       {"otieno1234", wanjiru, []string{similar}},
		"part of the e-mail":          {"hospital12", wanjiru, []string{similar}},
		"common and part of it":       {"hospital", wanjiru, []string{common, similar}},
		"the e-mail in capitals":      {"W.KAMAU@HOSPITAL.EXAMPLE", wanjiru, []string{similar}},
		"nobody":                      {"plum-Tractor-91", authn.Person{}, nil},
		"an underscore joins words":   {"_under_score_", authn.Person{FirstName: "under_score"}, []string{similar}},
		"accents differ":              {"mueller-straße", authn.Person{FirstName: "Müller", LastName: "Straße"}, nil},
		"a name of one letter":        {"kkkkkkkkkkkk", authn.Person{Username: "k"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var codes []string
			for _, field := range authn.CheckPassword(c.password, c.about) {
				require.Equal(t, "password", field.Name)
				require.NotEmpty(t, field.Message)
				codes = append(codes, field.Code)
			}
			require.Equal(t, c.want, codes)
		})
	}
}

func TestCheckPasswordNamesTheAttribute(t *testing.T) {
	t.Parallel()
	fields := authn.CheckPassword("otieno12", authn.Person{Username: "wk", LastName: "Otieno"})
	require.Len(t, fields, 1)
	require.Contains(t, fields[0].Message, "last name")
}

func BenchmarkCheckPassword(b *testing.B) {
	about := authn.Person{Username: "wanjiru.k", FirstName: "Wanjiru", LastName: "Kamau", Email: "w@hospital.example"}
	for b.Loop() {
		authn.CheckPassword("plum-Tractor-91", about)
	}
}
