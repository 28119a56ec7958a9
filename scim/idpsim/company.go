package idpsim

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Company is an invented company.
type Company struct {
	Domain string
	People []User
	// Managers maps a userName to that of the person's manager. The first
	// person of the company has none.
	Managers map[string]string
	// Groups has one group a department; Members are userNames.
	Groups []Group
}

// NewCompany invents people of a marketing company with addresses at domain:
// the same company for the same seed, and a larger one begins with the people
// of a smaller one.
func NewCompany(seed uint64, domain string, people int) Company {
	r := rand.New(rand.NewPCG(seed, 0x5c1a))
	c := Company{Domain: domain, Managers: map[string]string{}}
	taken := map[string]int{}
	heads := map[string]string{} // department → userName of its head
	members := map[string][]string{}
	for i := range people {
		given, family := pick(r, givenNames), pick(r, familyNames)
		d := departments[r.IntN(len(departments))]
		if i < len(departments) {
			d = departments[i] // so that a small company has them all
		}
		title := pick(r, d.titles)
		mobile := fmt.Sprintf("+1 555 %03d %04d", r.IntN(1000), r.IntN(10000))
		local := ascii(given) + "." + ascii(family)
		taken[local]++
		if n := taken[local]; n > 1 {
			local += fmt.Sprint(n)
		}
		address := local + "@" + domain
		switch head := heads[d.name]; {
		case i == 0:
			title = "Chief Marketing Officer"
			heads[d.name] = address
		case head == "":
			title = "Head of " + d.name
			heads[d.name] = address
			c.Managers[address] = c.People[0].UserName
		default:
			c.Managers[address] = head
		}
		members[d.name] = append(members[d.name], address)
		c.People = append(c.People, User{
			UserName: address, Email: address, GivenName: given, FamilyName: family, DisplayName: given + " " + family,
			Title: title, Department: d.name, EmployeeNumber: fmt.Sprintf("E%05d", 10001+i), Mobile: mobile,
		})
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		c.Groups = append(c.Groups, Group{DisplayName: name, Members: members[name]})
	}
	return c
}

// Person finds someone by userName.
func (c Company) Person(userName string) (User, bool) {
	i := slices.IndexFunc(c.People, func(u User) bool { return strings.EqualFold(u.UserName, userName) })
	if i < 0 {
		return User{}, false
	}
	return c.People[i], true
}

// NewUser is a person known by name and address only, as a demo has them that
// must agree with what the platforms already hold.
func NewUser(displayName, email, department string) User {
	given, family, _ := strings.Cut(displayName, " ")
	return User{UserName: email, Email: email, GivenName: given, FamilyName: cmp.Or(family, given), DisplayName: displayName, Department: department}
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// ascii is how a name is written in an address.
func ascii(name string) string {
	return strings.NewReplacer("á", "a", "ã", "a", "å", "a", "ç", "c", "é", "e", "ë", "e", "í", "i", "ï", "i", "ñ", "n", "ó", "o",
		"ö", "oe", "ø", "o", "ü", "ue", "ł", "l", "ś", "s", "š", "s", "č", "c", "'", "", " ", "").Replace(strings.ToLower(name))
}

var departments = []struct {
	name   string
	titles []string
}{
	{"Marketing", []string{"Brand Manager", "Campaign Manager", "Marketing Analyst", "Content Strategist"}},
	{"Paid Social", []string{"Paid Social Manager", "Media Buyer", "Performance Specialist", "Social Ads Analyst"}},
	{"Creative", []string{"Art Director", "Copywriter", "Motion Designer", "Video Editor"}},
	{"Analytics", []string{"Data Analyst", "Measurement Lead", "Attribution Specialist"}},
	{"Agency Partners", []string{"Account Executive", "Client Lead", "Media Planner"}},
	{"Finance", []string{"Billing Specialist", "Media Controller", "Accountant"}},
}

var givenNames = []string{
	"Ana", "Bruno", "Chloé", "Daan", "Elena", "Farid", "Grace", "Hiro", "Ingrid", "Jamal", "Katarzyna", "Liam", "Mei",
	"Nikolai", "Olivia", "Priya", "Quentin", "Rosa", "Samuel", "Tariq", "Ulrike", "Viktor", "Wanjiru", "Ximena", "Yusuf",
	"Zofia", "Aisha", "Björn", "Carmen", "Dmitri", "Emeka", "Fatima", "Giulia", "Hannah", "Isaac", "João", "Kenji", "Leïla",
	"Marek", "Noor", "Óscar", "Paula", "Rahul", "Sinéad", "Tomás", "Uma", "Valentina", "Wei", "Yara", "Søren",
}

var familyNames = []string{
	"Almeida", "Becker", "Castillo", "Dubois", "Eriksson", "Fernández", "García", "Haddad", "Ibrahim", "Jansen", "Kowalski",
	"Laurent", "Müller", "Nakamura", "O'Brien", "Petrov", "Quinn", "Rossi", "Schneider", "Tanaka", "Usman", "Vasquez",
	"Wong", "Xu", "Yilmaz", "Zhang", "Andersen", "Brown", "Chen", "Díaz", "Evans", "Fischer", "Gupta", "Hansen", "Ivanov",
	"Johnson", "Kim", "Lindström", "Mbeki", "Novák", "Okafor", "Patel", "Ramírez", "Silva", "Taylor", "Varga", "Walker",
	"Yamamoto", "Özdemir", "Łukasik",
}
