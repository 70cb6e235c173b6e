package server

import (
	"strconv"
	"strings"

	"chelal/internal/apperr"
)

var stale = apperr.New(apperr.Stale, "stale",
	"The record has changed since you read it. Read it again, and repeat your change on what it is now.")

// etag is the tag of a row's version.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// checkMatch returns the Stale error when If-Match names other versions than this one.
// The row is locked when it is asked. Weak tags count: proxies weaken them.
func checkMatch(ifMatch *string, version int64) error {
	if ifMatch == nil {
		return nil
	}
	for tag := range strings.SplitSeq(*ifMatch, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == "*" || tag == etag(version) {
			return nil
		}
	}
	return stale
}
