package scim

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A version is a number that grows with every change; on the wire it is a weak
// entity tag, W/"7". Strong forms are read as well, because clients and proxies
// drop the W/.

func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

func parseVersion(tag string) (int64, bool) {
	tag = strings.TrimSpace(tag)
	tag = strings.TrimPrefix(strings.TrimPrefix(tag, "W/"), "w/")
	if len(tag) >= 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		tag = tag[1 : len(tag)-1]
	}
	n, err := strconv.ParseInt(tag, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == tag
}

// tagged says whether a list of entity tags has the version; "*" has them all.
func tagged(list string, version int64) bool {
	for tag := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(tag) == "*" {
			return true
		}
		if n, ok := parseVersion(tag); ok && n == version {
			return true
		}
	}
	return false
}

// unmet is what a read answers instead of the resource, nil when the conditions
// hold. If-Match goes first (RFC 9110 section 13.2.2).
func (q *request) unmet(k *kind, version int64) (*reply, error) {
	switch {
	case q.ifMatch != "" && !tagged(q.ifMatch, version):
		return nil, newFault(http.StatusPreconditionFailed, "", "The %s has version %s, which If-Match does not name.", k.name, etag(version))
	case q.ifNoneMatch != "" && tagged(q.ifNoneMatch, version):
		return &reply{status: http.StatusNotModified, version: version}, nil
	}
	return nil, nil
}

// precondition turns If-Match and If-None-Match of a write into the version
// that the directory must still have (0: any). One tag is left to the
// directory, which checks it in its transaction; for anything else current
// reads the version first, and the write is then bound to it.
func (q *request) precondition(k *kind, current func() (int64, error)) (ifVersion int64, err error) {
	if q.ifMatch == "" && q.ifNoneMatch == "" {
		return 0, nil
	}
	if n, ok := parseVersion(q.ifMatch); ok && q.ifNoneMatch == "" {
		return n, nil
	}
	if strings.TrimSpace(q.ifMatch) == "*" && q.ifNoneMatch == "" {
		return 0, nil // the write itself finds out whether there is one
	}
	have, err := current()
	if err != nil {
		return 0, translate(err, k, q.id)
	}
	if q.ifMatch != "" && !tagged(q.ifMatch, have) {
		return 0, newFault(http.StatusPreconditionFailed, "", "The %s has version %s, which If-Match does not name. Read it again and repeat the change.", k.name, etag(have))
	}
	if q.ifNoneMatch != "" && tagged(q.ifNoneMatch, have) {
		return 0, newFault(http.StatusPreconditionFailed, "", "The %s has version %s, which If-None-Match rules out.", k.name, etag(have))
	}
	return have, nil
}

func pathEscape(s string) string { return url.PathEscape(s) }
