package scim

import (
	"hash/fnv"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A version is a number that grows with every change; on the wire it is a weak
// entity tag, W/"7". Strong forms are read as well, because clients and proxies
// drop the W/.
//
// The groups of a User follow from what happens to groups and do not move its
// number. Where they are shown, they are in the tag: W/"7-1q2w3e". Otherwise
// who asks with If-None-Match would be told that nothing has changed. A write
// cannot lose a group, so If-Match looks at the number alone.

func etag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// tag is the entity tag of the resource as it is shown.
func (k *kind) tag(r shown) string {
	if !k.refs.readOnly || len(r.refs) == 0 {
		return etag(r.version)
	}
	var sum uint64 // in whatever order they were read
	for _, g := range r.refs {
		h := fnv.New64a()
		h.Write([]byte(g.Value + "\x00" + g.Display))
		sum += h.Sum64()
	}
	return `W/"` + strconv.FormatInt(r.version, 10) + "-" + strconv.FormatUint(sum, 36) + `"`
}

// opaque is a tag without W/ and quotes.
func opaque(tag string) string {
	tag = strings.TrimSpace(tag)
	tag = strings.TrimPrefix(strings.TrimPrefix(tag, "W/"), "w/")
	if len(tag) >= 2 && tag[0] == '"' && tag[len(tag)-1] == '"' {
		tag = tag[1 : len(tag)-1]
	}
	return tag
}

// parseVersion reads the number of a tag.
func parseVersion(tag string) (int64, bool) {
	number, groups, also := strings.Cut(opaque(tag), "-")
	n, err := strconv.ParseInt(number, 10, 64)
	return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == number && (!also || groups != "")
}

// tagged says whether a list of entity tags has the version; "*" has them all.
func tagged(list string, version int64) bool {
	return anyTag(list, func(tag string) bool {
		n, ok := parseVersion(tag)
		return ok && n == version
	})
}

func anyTag(list string, is func(tag string) bool) bool {
	for tag := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(tag) == "*" || is(tag) {
			return true
		}
	}
	return false
}

// unmet is what a read answers instead of the resource, nil when the conditions
// hold. If-Match goes first (RFC 9110 section 13.2.2).
func (q *request) unmet(k *kind, r shown) (*reply, error) {
	if q.ifMatch != "" && !tagged(q.ifMatch, r.version) {
		return nil, newFault(http.StatusPreconditionFailed, "", "The %s has version %s, which If-Match does not name.", k.name, etag(r.version))
	}
	if q.ifNoneMatch == "" {
		return nil, nil
	}
	have := k.tag(r)
	if anyTag(q.ifNoneMatch, func(tag string) bool { return opaque(tag) == opaque(have) }) {
		return &reply{status: http.StatusNotModified, tag: have}, nil
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
