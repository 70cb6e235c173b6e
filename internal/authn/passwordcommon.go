package authn

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"strings"
	"sync"
)

// The list is Django's, 19,640 lower-case passwords; see common-passwords.LICENSE.
//
//go:embed common-passwords.txt.gz
var commonCompressed []byte

// commonPasswords is the whole list as one text, each password between two
// newlines: a set would take several times the memory, and searching the text is
// hardly noticed beside the hash that follows.
var commonPasswords = sync.OnceValue(func() string {
	r, err := gzip.NewReader(bytes.NewReader(commonCompressed))
	if err != nil {
		panic("authn: embedded list of passwords: " + err.Error())
	}
	list, err := io.ReadAll(r)
	if err != nil {
		panic("authn: embedded list of passwords: " + err.Error())
	}
	return "\n" + string(list)
})

func isCommon(password string) bool {
	password = strings.ToLower(strings.TrimSpace(password))
	if password == "" || strings.Contains(password, "\n") {
		return false
	}
	return strings.Contains(commonPasswords(), "\n"+password+"\n")
}
