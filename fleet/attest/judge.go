package attest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Verdict is what a node is in the end. The order is from good to bad.
type Verdict int

const (
	Same       Verdict = iota // as the others, and as its image
	Drift                     // it comes from the image, and holds something else by now
	Unverified                // something could not be asked, or was not answered
	Different                 // it is not what it should be
)

func (v Verdict) String() string {
	return [...]string{"same", "drift", "unverified", "different"}[v]
}

// The checks of a Finding.
const (
	CheckReport    = "report"      // what the node says as a whole
	CheckIdentity  = "identity"    // its signed document
	CheckVolume    = "root_volume" // the disk that it runs from
	CheckMachineID = "machine_id"  // these three are its own
	CheckHostKey   = "host_key"
	CheckBootID    = "boot_id"
	CheckContent   = "content" // packages
	CheckKernel    = "kernel"
	CheckCmdline   = "cmdline"
	CheckDrivers   = "drivers"
)

// A Finding is one thing that keeps a node from being the same.
type Finding struct {
	Check   string
	Verdict Verdict
	Want    string
	Got     string // empty: unproven
	Reason  string // a clause
}

// A Node is an instance and what it said.
type Node struct {
	Name, Group string
	Expected    Expected
	Volume      string  // root volume, as EC2 tells; empty: it does not
	Report      *Report // nil: there is none
	Silent      string  // why there is none: a clause
}

// A Judgement is what came out for a node.
type Judgement struct {
	Node     Node
	Verdict  Verdict
	Findings []Finding
	Recorded bool // its content was compared with what was recorded of its image; else with that of other nodes
}

// Judge compares nodes with what EC2 says of them, with what is recorded of their images (by id), and with each
// other. Where nothing is recorded, the content that more than half of the nodes of an image have is taken for
// that of the image: that points at outliers, and proves no more than that.
func Judge(nodes []Node, c Certificates, recorded map[string]Content) []Judgement {
	all := make([]Judgement, len(nodes))
	for n, node := range nodes {
		all[n].Node = node
		if node.Report == nil {
			all[n].Find(CheckReport, Unverified, "a report", "", node.Silent)
			continue
		}
		all[n].identity(c)
		if v := node.Report.Volume; v != "" && node.Volume != "" && v != node.Volume {
			all[n].Find(CheckVolume, Different, node.Volume, v, "its disk says that it is another volume")
		}
	}
	for _, own := range []struct {
		check string
		of    func(*Report) []string
	}{
		{CheckMachineID, func(r *Report) []string { return one(r.MachineID) }},
		{CheckHostKey, func(r *Report) []string { return r.HostKeys }},
		{CheckBootID, func(r *Report) []string { return one(r.BootID) }},
	} {
		differ(all, own.check, own.of)
	}
	compareContent(all, recorded)
	inGroup := func(n Node) string { return n.Expected.Image + " " + n.Group }
	majority(all, CheckKernel, inGroup, func(r *Report) string { return r.Kernel })
	majority(all, CheckCmdline, inGroup, func(r *Report) string { return r.Cmdline })
	majority(all, CheckDrivers, inGroup, func(r *Report) string { return cmp.Or(strings.Join(r.Drivers, ", "), "none") })
	return all
}

// Find adds a finding, which may make the verdict worse.
func (j *Judgement) Find(check string, v Verdict, want, got, reason string) {
	j.Findings = append(j.Findings, Finding{check, v, want, got, reason})
	j.Verdict = max(j.Verdict, v)
}

// identity verifies the document of a node, and compares it with what EC2 says.
func (j *Judgement) identity(c Certificates) {
	want := "signed for " + j.Node.Expected.Instance
	if j.Node.Report.Identity == "" {
		j.Find(CheckIdentity, Unverified, want, "", "it gives no identity document")
		return
	}
	d, err := c.Verify(j.Node.Expected.Region, j.Node.Report.Identity)
	if e, ok := err.(*DocumentError); ok {
		if e.Reason == NoCertificate {
			j.Find(CheckIdentity, Unverified, want, "", e.Detail)
		} else {
			j.Find(CheckIdentity, Different, want, string(e.Reason), e.Detail)
		}
		return
	}
	for _, f := range d.Differences(j.Node.Expected) {
		if f.Want == "" {
			j.Find(CheckIdentity, Unverified, f.Field, "", fmt.Sprintf("EC2 did not tell its %s to compare with that of its document", f.Field))
		} else {
			j.Find(CheckIdentity, Different, f.Want, f.Got, fmt.Sprintf("its document is of another %s", f.Field))
		}
	}
}

// differ finds nodes that have in common what each must have for itself.
func differ(all []Judgement, check string, of func(*Report) []string) {
	holders := map[string][]int{}
	for n, j := range all {
		if j.Node.Report != nil {
			for _, v := range distinct(of(j.Node.Report)) {
				holders[v] = append(holders[v], n)
			}
		}
	}
	for n := range all {
		j := &all[n]
		if j.Node.Report == nil {
			continue
		}
		values := distinct(of(j.Node.Report))
		if len(values) == 0 {
			j.Find(check, Unverified, "one of its own", "", "it does not tell")
		}
		for _, v := range values {
			var others []string
			for _, holder := range holders[v] {
				if holder != n {
					others = append(others, all[holder].Node.Name)
				}
			}
			if len(others) > 0 {
				j.Find(check, Different, "one of its own", v, "it is also that of "+few(others))
				break // more of the same kind tell no more
			}
		}
	}
}

// compareContent compares packages with what is recorded, or else with most nodes of the image.
func compareContent(all []Judgement, recorded map[string]Content) {
	content := func(r *Report) string {
		if r.Content.Count == 0 {
			return ""
		}
		return r.Content.String()
	}
	var others []*Judgement
	for n := range all {
		j := &all[n]
		want, ok := recorded[j.Node.Expected.Image]
		j.Recorded = ok
		switch {
		case j.Node.Report == nil:
		case !ok:
			others = append(others, j)
		case content(j.Node.Report) == "":
			j.Find(CheckContent, Unverified, want.String(), "", "it does not tell")
		case j.Node.Report.Content != want:
			j.Find(CheckContent, Drift, want.String(), j.Node.Report.Content.String(), "it holds something else than its image when that was made")
		}
	}
	alone := map[string]int{}
	for _, j := range others {
		alone[j.Node.Expected.Image]++
	}
	for _, j := range others {
		if alone[j.Node.Expected.Image] == 1 && content(j.Node.Report) != "" {
			j.Find(CheckContent, Unverified, "that of its image", "", "nothing is recorded of its image, and there is no other node of it to compare with")
		}
	}
	among(others, CheckContent, func(n Node) string { return n.Expected.Image }, content)
}

func majority(all []Judgement, check string, by func(Node) string, of func(*Report) string) {
	var asked []*Judgement
	for n := range all {
		if all[n].Node.Report != nil {
			asked = append(asked, &all[n])
		}
	}
	among(asked, check, by, of)
}

// among finds the nodes that are unlike more than half of their kind. All of them are where no half agrees.
func among(nodes []*Judgement, check string, by func(Node) string, of func(*Report) string) {
	count, total := map[[2]string]int{}, map[string]int{}
	for _, j := range nodes {
		count[[2]string{by(j.Node), of(j.Node.Report)}]++
		total[by(j.Node)]++
	}
	most := map[string]string{}
	for k, n := range count {
		if 2*n > total[k[0]] {
			most[k[0]] = k[1]
		}
	}
	for _, j := range nodes {
		kind, got := by(j.Node), of(j.Node.Report)
		switch want, ok := most[kind]; {
		case got == "":
			j.Find(check, Unverified, want, "", "it does not tell")
		case !ok:
			j.Find(check, Drift, "that of most nodes", got, "the nodes differ, and there is no majority")
		case got != want && want != "":
			j.Find(check, Drift, want, got, fmt.Sprintf("%d of %d nodes have the other", count[[2]string{kind, want}], total[kind]))
		}
	}
}

func one(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}

// distinct are the words, each once.
func distinct(words []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(words)))
}
