package spec

import (
	"fmt"
	"regexp"
	"strings"
)

func lower(s string) string { return strings.ToLower(s) }

// idKinds are the prefixes of EC2 ids and what they are ids of.
var idKinds = map[string]string{
	"ami": "an image", "subnet": "a subnet", "sg": "a security group", "vpc": "a VPC",
	"i": "an instance", "snap": "a snapshot", "vol": "a volume", "eni": "a network interface",
	"lt": "a launch template", "pg": "a placement group", "key": "a key pair", "cr": "a capacity reservation", "fs": "a file system",
}

var idForm = regexp.MustCompile(`^([a-z]+)-([0-9a-f]{8}|[0-9a-f]{17})$`)

// ids reads a list of EC2 ids of one kind.
func (l *loader) ids(a *args, name, prefix string) []string {
	ts := a.texts(name)
	for _, t := range ts {
		l.checkID(t, prefix)
	}
	return values(ts)
}

// checkID checks the form of an EC2 id; whether it exists is EC2's to say.
func (l *loader) checkID(t text, prefix string) {
	m := idForm.FindStringSubmatch(t.string)
	if m != nil && m[1] == prefix {
		return
	}
	l.errorf(t.at, fmt.Sprintf("Malformed %s id", idNames[prefix]), "%s is not the id of %s: %s.", quote(t.string), idKinds[prefix], idProblem(t.string, prefix, m))
}

var idNames = map[string]string{"ami": "image", "subnet": "subnet", "sg": "security group", "cr": "capacity reservation", "fs": "file system"}

// idProblem says what is wrong with an id, as exactly as it can.
func idProblem(id, prefix string, m []string) string {
	form := fmt.Sprintf("such an id is %s- and 17 hexadecimal digits, or 8 in old ones", prefix)
	got, digits, dashed := strings.Cut(id, "-")
	switch {
	case m != nil && idKinds[m[1]] != "":
		return "it is the id of " + idKinds[m[1]]
	case id != lower(id) && idForm.MatchString(lower(id)):
		return "ids are written in lower case"
	case strings.TrimSpace(id) != id:
		return "there is a space at its start or end"
	case strings.HasPrefix(id, "resolve:ssm:"):
		return "an alias may mean another image tomorrow; write the id it stands for today"
	case !dashed || got != prefix:
		return form + "; a name will not do"
	case strings.Trim(digits, "0123456789abcdef") != "":
		return form + ", and this has other characters"
	}
	return fmt.Sprintf("%s, and this has %d", form, len(digits))
}
