package config

import (
	"net/url"
	"strconv"
	"strings"
)

// DefaultMediaRoot is MEDIA_ROOT where nothing is said.
const DefaultMediaRoot = "media"

// Bucket is an S3-compatible bucket for uploaded images.
type Bucket struct {
	Endpoint  string
	TLS       bool
	Region    string
	Name      string
	Prefix    string // of every name in it, ending in a slash; may be empty
	AccessKey string
	SecretKey Secret
}

// bucket reads an address as s3://key:secret@host/bucket/prefix, nil when there is none.
// It holds a password, so a problem shows nothing of it.
func (r *reader) bucket(name string) *Bucket {
	value := r.text(name, "")
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User == nil || u.User.Username() == "" || u.Fragment != "" {
		r.problem(name, "must be as s3://key:secret@host:port/bucket, with %%-escapes for signs such as / or + in the secret. A folder goes into MEDIA_ROOT")
		return nil
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	secret, hasSecret := u.User.Password()
	if bucket == "" || !hasSecret || secret == "" {
		r.problem(name, "must name a bucket after the host, and a secret after the key, as s3://key:secret@host:port/bucket")
		return nil
	}
	b := &Bucket{
		Endpoint: u.Host, TLS: true, Name: bucket, Prefix: prefix, AccessKey: u.User.Username(), SecretKey: Secret(secret),
	}
	if prefix != "" {
		b.Prefix += "/"
	}
	for option, values := range u.Query() {
		tls, err := strconv.ParseBool(values[0])
		switch {
		case option == "region":
			b.Region = values[0]
		case option == "tls" && err == nil:
			b.TLS = tls
		default:
			r.problem(name, "knows the options region and tls (true or false)")
			return nil
		}
	}
	return b
}
