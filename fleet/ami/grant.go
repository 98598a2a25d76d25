package ami

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Grants say who may launch an image: accounts by their 12 digits, organizations and organizational
// units by ARN, or everybody.
type Grants struct {
	Accounts []string
	Orgs     []string
	OUs      []string
	Public   bool
}

// Empty says that they name nobody.
func (g Grants) Empty() bool { return len(g.Accounts)+len(g.Orgs)+len(g.OUs) == 0 && !g.Public }

// Count is how many entries they are, of EC2's quota of an image.
func (g Grants) Count() int {
	n := len(g.Accounts) + len(g.Orgs) + len(g.OUs)
	if g.Public {
		n++
	}
	return n
}

// Text is who they name, in words: "3 accounts, 1 organization".
func (g Grants) Text() string {
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{len(g.Accounts), "account"}, {len(g.Orgs), "organization"}, {len(g.OUs), "organizational unit"}} {
		if p.n > 0 {
			parts = append(parts, plural(p.n, p.word))
		}
	}
	if g.Public {
		parts = append(parts, "everybody")
	}
	if len(parts) == 0 {
		return "nobody"
	}
	return strings.Join(parts, ", ")
}

// Minus are those of g that h does not name, sorted, each once.
func (g Grants) Minus(h Grants) Grants {
	return Grants{
		Accounts: minus(g.Accounts, h.Accounts), Orgs: minus(g.Orgs, h.Orgs), OUs: minus(g.OUs, h.OUs),
		Public: g.Public && !h.Public,
	}
}

// And are those that both name, sorted, each once.
func (g Grants) And(h Grants) Grants { return g.Minus(g.Minus(h)) }

func minus(a, b []string) []string {
	left := slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	slices.Sort(left)
	return slices.Compact(left)
}

var (
	accountForm = regexp.MustCompile(`^[0-9]{12}$`)
	orgForm     = regexp.MustCompile(`^arn:aws[a-z-]*:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}$`)
	ouForm      = regexp.MustCompile(`^arn:aws[a-z-]*:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}$`)
)

// Check says what is wrong with the form of an account or ARN. An error is a *WordError.
func (g Grants) Check() error {
	for _, a := range g.Accounts {
		if !accountForm.MatchString(a) {
			return &WordError{What: "account", Word: a, Problem: accountProblem(a)}
		}
	}
	for _, o := range g.Orgs {
		if !orgForm.MatchString(o) {
			return &WordError{What: "organization", Word: o, Problem: "one is named by its ARN, arn:aws:organizations::ACCOUNT:organization/o-…"}
		}
	}
	for _, o := range g.OUs {
		if !ouForm.MatchString(o) {
			return &WordError{What: "organizational unit", Word: o, Problem: "one is named by its ARN, arn:aws:organizations::ACCOUNT:ou/o-…/ou-…"}
		}
	}
	return nil
}

func accountProblem(a string) string {
	digits := strings.Trim(a, "0123456789") == ""
	switch {
	case digits && len(a) == 11:
		return fmt.Sprintf("an account has 12 digits, and this has 11; if a leading zero was lost, it is 0%s", a)
	case digits:
		return fmt.Sprintf("an account has 12 digits, and this has %d", len(a))
	case accountForm.MatchString(strings.NewReplacer("-", "", " ", "").Replace(a)):
		return "accounts are written without hyphens and spaces"
	case strings.HasPrefix(a, "arn:"):
		return "an account is its 12 digits alone; organizations have --org, and their units --ou"
	}
	return "an account has 12 digits"
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
