package storage

import (
	"database/sql/driver"
	"fmt"
	"regexp"
	"strings"
	"time"

	"adbridge/bridge"

	"modernc.org/sqlite"
)

// What a filter asks of the stored document: json_each and json_extract on
// SQLite, jsonb on PostgreSQL.

// pathLiteral is the path into a document as an SQL literal.
func (c *compiler) pathLiteral(path []string) (string, error) {
	var b strings.Builder
	for i, p := range path {
		if p == "" || strings.ContainsAny(p, "\"\\'{},\x00") {
			return "", fmt.Errorf("%w: %q is no attribute name", bridge.ErrFilter, p)
		}
		if c.d.postgres {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + p + `"`)
		} else {
			b.WriteString(`."` + p + `"`)
		}
	}
	return c.d.pick("'$"+b.String()+"'", "'{"+b.String()+"}'"), nil
}

// node is the value at a path of a document.
func (c *compiler) node(doc string, path ...string) (leaf, error) {
	p, err := c.pathLiteral(path)
	if err != nil {
		return leaf{}, err
	}
	if c.d.postgres {
		return jsonbLeaf("(CAST("+doc+" AS JSONB) #> "+p+")", "(CAST("+doc+" AS JSONB) #>> "+p+")"), nil
	}
	typ, val := "json_type("+doc+", "+p+")", "json_extract("+doc+", "+p+")"
	return sqliteLeaf(typ, val, "EXISTS (SELECT 1 FROM json_tree("+doc+", "+p+") WHERE atom IS NOT NULL AND atom <> '')"), nil
}

func sqliteLeaf(typ, val, present string) leaf {
	return leaf{
		isText: typ + " = 'text'", text: val,
		isNum: typ + " IN ('integer', 'real')", num: "CASE WHEN " + typ + " IN ('integer', 'real') THEN " + val + " END",
		isTrue: typ + " = 'true'", present: present,
		sortText: "CASE " + typ + " WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'text' THEN NULLIF(" + val + ", '') WHEN 'integer' THEN '' WHEN 'real' THEN '' END",
	}
}

func jsonbLeaf(node, text string) leaf {
	typ := "jsonb_typeof(" + node + ")"
	return leaf{
		isText: typ + " = 'string'", text: text,
		isNum: typ + " = 'number'", num: "CASE WHEN " + typ + " = 'number' THEN CAST(" + text + " AS NUMERIC) END",
		isTrue: typ + " = 'boolean' AND " + text + " = 'true'",
		// Any text that is not empty, number or boolean, at whatever depth.
		present:  "COALESCE(jsonb_path_exists(" + node + `, 'lax $.** ? ((@.type() == "string" && @ != "") || @.type() == "number" || @.type() == "boolean")'), FALSE)`,
		sortText: "CASE " + typ + " WHEN 'boolean' THEN " + text + " WHEN 'string' THEN NULLIF(" + text + ", '') WHEN 'number' THEN '' END",
	}
}

// elements is the FROM and WHERE of the values of a multi-valued attribute.
func (c *compiler) elements(doc string, path ...string) (string, error) {
	p, err := c.pathLiteral(path)
	if err != nil {
		return "", err
	}
	if c.d.postgres {
		node := "(CAST(" + doc + " AS JSONB) #> " + p + ")"
		return "jsonb_array_elements(CASE WHEN jsonb_typeof(" + node + ") = 'array' THEN " + node + " ELSE '[]' END) AS e(value) WHERE TRUE", nil
	}
	return "json_each(" + doc + ", " + p + ") e WHERE typeof(e.key) = 'integer'", nil
}

// element is one value of elements as a document of its own.
func (c *compiler) element() string {
	return c.d.pick("CASE e.type WHEN 'object' THEN e.value ELSE '{}' END", "e.value")
}

// scalar is one value of elements that is not complex.
func (c *compiler) scalar() leaf {
	if c.d.postgres {
		return jsonbLeaf("e.value", "(e.value #>> '{}')")
	}
	return sqliteLeaf("e.type", "e.atom", "(e.atom IS NOT NULL AND e.atom <> '')")
}

// sortNode is the value by which a document sorts: of many values the primary
// one, else the first.
func (c *compiler) sortNode(p bridge.AttrPath) (leaf, error) {
	doc := c.t.alias + ".attributes"
	var whole []string
	if p.URN != "" {
		whole = append(whole, p.URN)
	}
	path, err := c.pathLiteral(append(whole, p.Attr))
	if err != nil {
		return leaf{}, err
	}
	sub, err := c.pathLiteral([]string{orValue(p.Sub)})
	if err != nil {
		return leaf{}, err
	}
	if c.d.postgres {
		top := "(CAST(" + doc + " AS JSONB) #> " + path + ")"
		one := "(SELECT CASE jsonb_typeof(o.x) WHEN 'object' THEN o.x #> " + sub + " ELSE o.x END FROM (SELECT CASE jsonb_typeof(" + top + ") WHEN 'array' THEN " +
			"COALESCE((SELECT e.value FROM jsonb_array_elements(CASE jsonb_typeof(" + top + ") WHEN 'array' THEN " + top + " ELSE '[]' END) WITH ORDINALITY AS e(value, n) WHERE e.value @> '{\"primary\": true}' ORDER BY e.n LIMIT 1), " + top + " -> 0) ELSE " + top + " END AS x) o)"
		return jsonbLeaf(one, "("+one+" #>> '{}')"), nil
	}
	first := strings.TrimSuffix(path, "'") + "[0]'"
	one := "(SELECT CASE json_type(o.x) WHEN 'object' THEN o.x -> " + sub + " ELSE o.x END FROM (SELECT CASE json_type(" + doc + ", " + path + ") WHEN 'array' THEN " +
		"COALESCE((SELECT e.value FROM json_each(" + doc + ", " + path + ") e WHERE json_extract(" + c.element() + ", '$.primary') = 1 ORDER BY e.key LIMIT 1), " + doc + " -> " + first + ") " +
		"ELSE " + doc + " -> " + path + " END AS x) o)"
	return sqliteLeaf("json_type("+one+")", "("+one+" ->> '$')", "TRUE"), nil
}

func orValue(sub string) string {
	if sub == "" {
		return "value"
	}
	return sub
}

// instantForm is the xsd:dateTime that both databases read alike; without a
// zone it is UTC, and a date alone is its beginning.
var instantForm = regexp.MustCompile(`^(\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01]))(?:[Tt]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(\.\d{1,9})?([Zz]|[+-](?:0\d|1[0-4]):[0-5]\d)?)?$`)

// instant reads a stored point in time, in microseconds.
func instant(s string) (int64, bool) {
	m := instantForm.FindStringSubmatch(s)
	if m == nil || strings.HasPrefix(s, "0000") {
		return 0, false
	}
	clock, frac, zone := m[2], m[3], strings.ToUpper(m[4])
	if clock == "" {
		clock = "00:00:00"
	}
	if zone == "" {
		zone = "Z"
	}
	t, err := time.Parse(time.RFC3339Nano, m[1]+"T"+clock+frac[:min(len(frac), 7)]+zone)
	if err != nil {
		return 0, false
	}
	return t.UnixMicro(), true
}

func init() {
	sqlite.MustRegisterDeterministicScalarFunction("instant", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		if s, ok := args[0].(string); ok {
			if at, ok := instant(s); ok {
				return at, nil
			}
		}
		return nil, nil
	})
}

// postgresInstant is instant for PostgreSQL: nothing in it can fail, so that
// one malformed value does not end a whole query.
const postgresInstant = `CREATE OR REPLACE FUNCTION instant(s TEXT) RETURNS BIGINT LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
SELECT CASE
	WHEN s !~ '^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?([Zz]|[+-](0\d|1[0-4]):[0-5]\d)?)?$' OR left(s, 4) = '0000' THEN NULL
	WHEN CAST(substr(s, 9, 2) AS INT) > EXTRACT(DAY FROM CAST(left(s, 7) || '-01' AS DATE) + INTERVAL '1 month' - INTERVAL '1 day') THEN NULL
	ELSE CAST(EXTRACT(EPOCH FROM CAST(left(s, 10) || 'T' || CASE WHEN length(s) > 10 THEN substr(s, 12, 8) ELSE '00:00:00' END
		|| COALESCE(left(substring(s FROM '\.\d+'), 7), '') || COALESCE(upper(substring(substr(s, 11) FROM '[Zz]$|[+-]\d\d:\d\d$')), 'Z') AS TIMESTAMPTZ)) * 1000000 AS BIGINT)
END $$`
