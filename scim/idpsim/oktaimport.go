package idpsim

import (
	"context"
	"fmt"
)

// Imported is what an import brought back.
type Imported struct {
	Users  []ImportedUser
	Groups []ImportedGroup
}

type ImportedUser struct {
	ID, UserName string
	Active       bool
}

type ImportedGroup struct {
	ID, DisplayName string
}

// importPage is the page size of an import; the next page begins that many
// further on, whatever the last one held (scim-20).
const importPage = 100

// Import pages through everyone and every group. It fails if a page repeats or
// loses one, which is what a list without a stable order does.
func (o *Okta) Import(ctx context.Context) (Imported, error) {
	var in Imported
	seen := map[string]string{} // an id must be unique over all resources
	err := o.pages(ctx, "/Users", seen, func(r resource) {
		active, _ := r["active"].(bool)
		in.Users = append(in.Users, ImportedUser{r.str("id"), r.str("userName"), active})
		o.knowPerson(r.str("id"), r.str("userName"))
	})
	if err != nil {
		return Imported{}, err
	}
	err = o.pages(ctx, "/Groups", seen, func(r resource) {
		in.Groups = append(in.Groups, ImportedGroup{r.str("id"), r.str("displayName")})
		o.knowGroup(r.str("id"), r.str("displayName"))
	})
	if err != nil {
		return Imported{}, err
	}
	return in, nil
}

func (o *Okta) pages(ctx context.Context, endpoint string, seen map[string]string, each func(resource)) error {
	for start, got := 1, 0; ; start += importPage {
		c := call{doing: "import " + endpoint[1:], method: "GET", path: fmt.Sprintf("%s?startIndex=%d&count=%d", endpoint, start, importPage)}
		page, err := o.wire().list(ctx, c)
		if err != nil {
			return err
		}
		bad := func(format string, args ...any) error {
			return o.wire().fault(c, answer{status: 200}, fmt.Sprintf(format, args...), nil)
		}
		if page.start != start && page.total > 0 {
			return bad("startIndex is %d, asked for was %d", page.start, start)
		}
		if len(page.resources) > importPage {
			return bad("the page holds %d, asked for were %d", len(page.resources), importPage)
		}
		for _, r := range page.resources {
			id := r.str("id")
			if id == "" {
				return bad("a resource has no id")
			}
			if where, twice := seen[id]; twice {
				return bad("id %s was already on page %s", id, where)
			}
			seen[id] = c.path
			each(r)
		}
		got += len(page.resources)
		if start+importPage > page.total {
			if got != page.total {
				return bad("the pages held %d in all, totalResults is %d", got, page.total)
			}
			return nil
		}
		if len(page.resources) < importPage {
			return bad("the page holds %d of %d although more follow, so Okta misses some", len(page.resources), importPage)
		}
	}
}
