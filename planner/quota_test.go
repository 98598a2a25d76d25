package planner_test

import (
	"fmt"
	"strings"
	"testing"

	"cluster/planner"
	"cluster/spec"
)

func TestQuotaOf(t *testing.T) {
	for typ, want := range map[string]string{
		"c7i.large": "L-1216C47A L-34B43A08", "m7i-flex.large": "L-1216C47A L-34B43A08", "t3.micro": "L-1216C47A L-34B43A08",
		"im4gn.large": "L-1216C47A L-34B43A08", "a1.medium": "L-1216C47A L-34B43A08", "hpc7a.96xlarge": "L-F7808C92 -",
		"g6.xlarge": "L-DB2E81BA L-3819A6DF", "gr6.4xlarge": "L-DB2E81BA L-3819A6DF", "vt1.3xlarge": "L-DB2E81BA L-3819A6DF",
		"p4d.24xlarge": "L-417A185B L-7212CCBC", "p5en.48xlarge": "L-417A185B L-C4BD4855", "p6-b200.48xlarge": "L-417A185B -",
		"inf2.xlarge": "L-1945791B L-B5D1601B", "trn1n.32xlarge": "L-2C3B7624 L-6B0D517C", "dl1.24xlarge": "L-6E869C2A L-85EED4F7",
		"f2.6xlarge": "L-74FC7D96 L-88CF9481", "x2idn.16xlarge": "L-7295265B L-E3A00192", "u-6tb1.56xlarge": "L-43DA4232 -",
		"u7i-12tb.224xlarge": "L-43DA4232 -", "mac2.metal": "- -", "quantum": "- -", "": "- -",
	} {
		var got []string
		for _, m := range []spec.Market{spec.OnDemand, spec.Spot} {
			code := "-"
			if q, ok := planner.QuotaOf(typ, m); ok {
				code = q.Code
			}
			got = append(got, code)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %s, want %s", typ, s, want)
		}
	}
}

func TestQuotasOf(t *testing.T) {
	groups := []spec.Group{
		{Count: 1, InstanceTypes: []string{"c7i.large", "hpc7a.96xlarge", "m7i.large"}},
		{Count: 1, InstanceTypes: []string{"c7i.large"}, Market: spec.Spot, Fallback: spec.OnDemand},
		{Count: 0, InstanceTypes: []string{"g6.xlarge"}},
		{Count: 1, InstanceTypes: []string{"p5.48xlarge"}, Capacity: spec.Capacity{Blocks: []string{"cr-1"}, Only: true}},
	}
	var got []string
	for _, q := range planner.QuotasOf(groups) {
		got = append(got, q.Code)
	}
	if s := strings.Join(got, " "); s != "L-1216C47A L-34B43A08 L-F7808C92" {
		t.Errorf("got %s", s)
	}
}

// TestQuotasLetThrough is what a plan says when quotas are such and such. c7i.large has 4 vCPUs here, as
// has every type of the region.
func TestQuotasLetThrough(t *testing.T) {
	const standard, spot, hpc = "L-1216C47A", "L-34B43A08", "L-F7808C92"
	group := func(name string, count int, edit ...func(*spec.Group)) spec.Group {
		g := computeGroup(count)
		g.Name = name
		for _, e := range edit {
			e(&g)
		}
		return g
	}
	types := func(names ...string) func(*spec.Group) {
		return func(g *spec.Group) { g.InstanceTypes = names }
	}
	least := func(n int) func(*spec.Group) {
		return func(g *spec.Group) { g.Launch.All, g.Launch.Min = false, n }
	}
	onSpot := func(g *spec.Group) { g.Market, g.Fallback = spec.Spot, spec.OnDemand }
	reserved := func(only bool) func(*spec.Group) {
		return func(g *spec.Group) { g.Capacity.ReservationGroup, g.Capacity.Only = "arn:aws:resource-groups:x", only }
	}
	for _, c := range []struct {
		name               string
		quotas             map[string]int
		kept               int // nodes of the first group that there are
		groups             []spec.Group
		uses               string // code=need/vcpus
		warnings, blockers string
	}{
		{"fits to the last", map[string]int{standard: 40}, 0, []spec.Group{group("a", 10)}, standard + "=40/40", "", ""},
		{"one too many", map[string]int{standard: 39}, 0, []spec.Group{group("a", 10)}, standard + "=40/39", "",
			"10 nodes of c7i.large need 40 vCPUs, and the account's quota \"Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances\" is 39. "},
		{"none at all", map[string]int{standard: 0}, 0, []spec.Group{group("a", 1)}, standard + "=4/0", "", "1 node of c7i.large needs 4 vCPUs"},
		{"not read", nil, 0, []spec.Group{group("a", 10)}, "", "", ""},
		{"another one read", map[string]int{hpc: 0}, 0, []spec.Group{group("a", 10)}, "", "", ""},
		{"nodes that stay count", map[string]int{standard: 40}, 4, []spec.Group{group("a", 11)}, standard + "=44/40", "",
			"7 nodes of c7i.large need 28 vCPUs"},
		{"and leave the rest", map[string]int{standard: 40}, 4, []spec.Group{group("a", 10)}, standard + "=40/40", "", ""},
		{"more runs than was read", map[string]int{standard: 8}, 4, []spec.Group{group("a", 10)}, "", "", ""},
		{"groups add up", map[string]int{standard: 40}, 0, []spec.Group{group("a", 5), group("b", 6)}, standard + "=44/40", "",
			"6 nodes of c7i.large need 24 vCPUs"},
		{"a group that can go elsewhere takes nothing for certain", map[string]int{standard: 40, hpc: 400}, 0,
			[]spec.Group{group("a", 6, types("c7i.large", "hpc7a.96xlarge")), group("b", 6)}, standard + "=48/40", "", ""},
		{"the second choice fits", map[string]int{standard: 400, hpc: 0}, 0, []spec.Group{group("a", 5, types("hpc7a.96xlarge", "c7i.large"))},
			hpc + "=20/0", "All fit as c7i.large, on-demand", ""},
		{"the market to fall back on fits", map[string]int{standard: 400, spot: 5}, 0, []spec.Group{group("a", 5, onSpot)},
			spot + "=20/5", "All fit as c7i.large, on-demand", ""},
		{"no choice fits", map[string]int{standard: 5, hpc: 0}, 0, []spec.Group{group("a", 5, types("hpc7a.96xlarge", "c7i.large"))},
			hpc + "=20/0", "", "instances\" is 0|instances\" is 5"},
		{"a choice of no known quota may fit", map[string]int{standard: 5}, 0, []spec.Group{group("a", 5, types("c7i.large", "hpc7a.96xlarge"))},
			standard + "=20/5", "All fit as hpc7a.96xlarge", ""},
		{"fewer are accepted", map[string]int{standard: 30}, 0, []spec.Group{group("a", 10, least(7))}, standard + "=40/30", "10 nodes of c7i.large need 40 vCPUs", ""},
		{"not even the fewest fit", map[string]int{standard: 30}, 0, []spec.Group{group("a", 10, least(8))}, standard + "=40/30", "",
			"8 nodes of c7i.large need 32 vCPUs"},
		{"only the fewest count for the next", map[string]int{standard: 50}, 0, []spec.Group{group("a", 10, least(2)), group("b", 10)}, standard + "=80/50", "", ""},
		{"what is reserved counts already", map[string]int{standard: 0}, 0, []spec.Group{group("a", 5, reserved(true))}, "", "", ""},
		{"what is reserved may do", map[string]int{standard: 0}, 0, []spec.Group{group("a", 5, reserved(false))}, "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			have := region()
			for slot := range c.kept {
				have.Instances = append(have.Instances, node(have, &c.groups[0], slot))
			}
			have.Facts.Quotas = nil
			for _, q := range quotas(0) {
				if n, ok := c.quotas[q.Code]; ok {
					q.VCPUs = n
					have.Facts.Quotas = append(have.Facts.Quotas, q)
				}
			}
			p := planner.Diff(clusterOf(c.groups...), have)
			var uses []string
			for _, q := range p.Quotas {
				uses = append(uses, fmt.Sprintf("%s=%d/%d", q.Code, q.Need, q.VCPUs))
			}
			if s := strings.Join(uses, " "); s != c.uses {
				t.Errorf("uses %s, want %s", s, c.uses)
			}
			mention(t, "warning", p.Warnings, c.warnings)
			mention(t, "blocker", p.Blockers, c.blockers)
		})
	}
}

// The remedy asks for as much as is needed, not for as much as is missing.
func TestQuotaRemedy(t *testing.T) {
	have := region()
	q, _ := planner.QuotaOf("c7i.large", spec.OnDemand)
	q.VCPUs = 41
	have.Facts.Quotas = []planner.Quota{q}
	a, b := computeGroup(5), computeGroup(6)
	a.Name = "head"
	p := planner.Diff(clusterOf(a, b), have)
	if len(p.Blockers) != 1 || !strings.HasSuffix(p.Blockers[0].Detail, "--quota-code L-1216C47A --desired-value 44") || p.Blockers[0].Group != "compute" {
		t.Errorf("blockers %+v", p.Blockers)
	}
}
