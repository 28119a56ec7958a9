package metasim

import (
	"net/http"
	"slices"
	"strings"
)

// resolveVersion takes the version off the path.
func (c *call) resolveVersion() *GraphError {
	v := ""
	if len(c.segs) > 0 && isVersion(c.segs[0]) {
		v, c.segs = c.segs[0], c.segs[1:]
	}
	switch {
	case v == "":
		c.version = c.s.versions[0]
		if c.s.sw.Unversioned == "error" {
			return graphErr(2635, 0, "(#2635) You are calling the API without a version. Please update to the latest version: %s.", c.s.versions[0])
		}
		if t := c.s.tokens[c.token()]; t != nil && c.s.apps[t.App].APIVersion != "" {
			return c.living(c.s.apps[t.App].APIVersion)
		}
		return nil
	default:
		return c.living(v)
	}
}

func (c *call) living(v string) *GraphError {
	c.version = v
	if slices.Contains(c.s.versions, v) {
		return nil
	}
	if !older(v, c.s.versions[len(c.s.versions)-1]) {
		return graphErr(2500, 0, "Unknown path components: /%s", v)
	}
	if c.s.sw.ExpiredVersion == "error" {
		return graphErr(2635, 0, "(#2635) You are calling a deprecated version of the Ads API. Please update to the latest version: %s.", c.s.versions[0])
	}
	c.version = c.s.versions[len(c.s.versions)-1]
	c.header.Set("X-Ad-Api-Version-Warning", "The call has been auto-upgraded to "+c.version)
	return nil
}

// older compares versions such as v9.0 and v21.0.
func older(v, than string) bool {
	return len(v) < len(than) || len(v) == len(than) && v < than
}

func isVersion(s string) bool {
	major, minor, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	return ok && strings.HasPrefix(s, "v") && isDigits(major) && isDigits(minor)
}

// legacy refuses the parameters removed from the protocol in v26.0.
func (c *call) legacy() *GraphError {
	for _, p := range legacyParams {
		if _, ok := c.params[p]; ok && c.s.sw.LegacyParams == "error" {
			return invalid("The parameter %s is no longer supported. See the v26.0 changelog.", p)
		}
	}
	return nil
}

// route names the operation. Whether the caller may know that the object exists is decided later.
func (c *call) route() *GraphError {
	switch {
	case len(c.segs) == 0:
		c.kind, c.op = kindRoot, c.method+" batch"
		c.ep = c.s.routes[c.method+" "+kindRoot]
		if c.ep.run == nil {
			return graphErr(2500, 0, "An object id or the parameter batch is required")
		}
		return nil
	case len(c.segs) == 2 && c.segs[0] == "oauth", len(c.segs) == 1 && c.segs[0] == "debug_token":
		c.kind, c.edgeName = kindRoot, strings.Join(c.segs, "/")
		c.op = c.method + " " + c.edgeName
		c.ep = c.s.routes[c.method+" "+kindRoot+"/"+c.edgeName]
		if c.ep.run == nil {
			return unsupported(c.method, c.edgeName)
		}
		return nil
	case len(c.segs) > 2:
		c.op = c.method + " " + strings.Join(c.segs[1:], "/")
		return graphErr(2500, 0, "Unknown path components: /%s", strings.Join(c.segs[2:], "/"))
	}
	if c.segs[0] == "me" {
		c.kind = "me"
	} else if n := c.s.nodes[c.segs[0]]; n != nil {
		c.kind, c.node = n.kind, n
	} else {
		c.kind = "object"
	}
	c.op = c.method + " " + c.kind
	if len(c.segs) == 2 {
		c.edgeName = c.segs[1]
		c.op = c.method + " " + c.edgeName
	}
	return nil
}

// resolve finds the node and its endpoint once the caller is known.
func (c *call) resolve() *GraphError {
	if c.kind == kindRoot {
		return nil
	}
	if c.kind == "me" {
		c.node = c.s.nodes[c.actor.id]
		if c.actor.page != nil {
			c.node = c.s.nodes[c.actor.page.ID]
		}
	}
	if c.node == nil {
		return unsupported(c.method, c.segs[0])
	}
	key := c.node.kind
	if c.edgeName != "" {
		key += "/" + c.edgeName
	}
	ep, ok := c.s.routes[c.method+" "+key]
	if !ok {
		if slices.Contains(unsimulated[c.node.kind], c.edgeName) {
			return graphErr(3, 0, "(#3) Application does not have the capability to make this API call.")
		}
		if c.method == http.MethodGet && c.edgeName != "" {
			if t := typeOf(c.node.kind); t != "" {
				return invalid("Tried accessing nonexisting field (%s) on node type (%s)", c.edgeName, t)
			}
		}
		return unsupported(c.method, c.segs[0])
	}
	c.ep = ep
	return nil
}

// returns is the node type that fields= is held against; /me of a system user is a wider one.
func (c *call) returns() string {
	if c.kind == "me" && c.edgeName == "" && c.node.kind == kindSystemUser {
		return "SystemMe"
	}
	return c.ep.returns
}

func typeOf(kind string) string {
	for name, t := range nodeTypes {
		if t.kind == kind && name != "SystemMe" {
			return name
		}
	}
	return ""
}
