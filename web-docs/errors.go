package webdocs

import (
	"cmp"
	"net/http"
	"slices"
)

// Code describes one problem code for its readers. Code is the stable word of
// the problem's `code` member and the anchor on the page; the texts are plain
// sentences, escaped where they are shown.
type Code struct {
	Code     string
	Status   int
	Title    string
	Meaning  string
	WhatToDo string
}

// statusGroup is the codes of one HTTP status, under its heading.
type statusGroup struct {
	Status int
	Text   string
	Codes  []Code
}

// byStatus leaves codes as it is: the order on the page is the page's own.
func byStatus(codes []Code) []statusGroup {
	sorted := slices.SortedFunc(slices.Values(codes), func(a, b Code) int {
		return cmp.Or(cmp.Compare(a.Status, b.Status), cmp.Compare(a.Code, b.Code))
	})
	var groups []statusGroup
	for _, c := range sorted {
		if n := len(groups); n == 0 || groups[n-1].Status != c.Status {
			groups = append(groups, statusGroup{Status: c.Status, Text: http.StatusText(c.Status)})
		}
		last := &groups[len(groups)-1]
		last.Codes = append(last.Codes, c)
	}
	return groups
}
