package planner

import (
	"cmp"
	"slices"
	"strings"

	"cluster/spec"
)

// A Quota is an account's limit on what runs at once of some families of instance types, bought on
// one market, in one region. Service Quotas has it under the service code ec2.
type Quota struct {
	Code  string // such as L-1216C47A
	Name  string // Service Quotas' own
	VCPUs int    // of all instances together
}

// A QuotaUse is what a plan makes of a quota.
type QuotaUse struct {
	Quota
	Need int // vCPUs of the cluster's nodes: of those that stay, and of those to be launched, each group on its first rung
}

// quotaTable is the vCPU quotas: market, code, families, name. It is from "Amazon Elastic Compute Cloud
// endpoints and quotas" in the AWS General Reference. What it lacks, such as Spot on the families
// hpc and u, is not limited by any of them, or by which is not written down.
const quotaTable = `
on-demand L-1216C47A a,c,d,h,i,im,is,m,r,t,z Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances
on-demand L-6E869C2A dl                      Running On-Demand DL instances
on-demand L-74FC7D96 f                       Running On-Demand F instances
on-demand L-DB2E81BA g,gr,vt                 Running On-Demand G and VT instances
on-demand L-F7808C92 hpc                     Running On-Demand HPC instances
on-demand L-43DA4232 u                       Running On-Demand High Memory instances
on-demand L-1945791B inf                     Running On-Demand Inf instances
on-demand L-417A185B p                       Running On-Demand P instances
on-demand L-2C3B7624 trn                     Running On-Demand Trn instances
on-demand L-7295265B x                       Running On-Demand X instances
spot      L-34B43A08 a,c,d,h,i,im,is,m,r,t,z All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests
spot      L-85EED4F7 dl                      All DL Spot Instance Requests
spot      L-88CF9481 f                       All F Spot Instance Requests
spot      L-3819A6DF g,gr,vt                 All G and VT Spot Instance Requests
spot      L-B5D1601B inf                     All Inf Spot Instance Requests
spot      L-7212CCBC p2,p3,p4                All P4, P3 and P2 Spot Instance Requests
spot      L-C4BD4855 p5                      All P5 Spot Instance Requests
spot      L-6B0D517C trn                     All Trn Spot Instance Requests
spot      L-E3A00192 x                       All X Spot Instance Requests
`

// familyMarket is a family of types, with or without its generation (p5, c), and how it is bought.
type familyMarket struct {
	family string
	market spec.Market
}

var quotaIndex = func() map[familyMarket]Quota {
	index := map[familyMarket]Quota{}
	for line := range strings.Lines(strings.TrimSpace(quotaTable)) {
		f := strings.Fields(line)
		for family := range strings.SplitSeq(f[2], ",") {
			index[familyMarket{family, spec.Market(f[0])}] = Quota{Code: f[1], Name: strings.Join(f[3:], " ")}
		}
	}
	return index
}()

// QuotaOf is the quota that instances of a type count towards, without its value. ok is false if no
// quota is known for the type in that market.
func QuotaOf(typ string, market spec.Market) (q Quota, ok bool) {
	family, _, _ := strings.Cut(typ, ".")
	letters := family
	if i := strings.IndexAny(family, "0123456789-"); i >= 0 {
		letters, family = family[:i], family[:i+1]
	}
	for _, f := range []string{family, letters} {
		if q, ok = quotaIndex[familyMarket{f, market}]; ok {
			break
		}
	}
	return q, ok
}

// QuotasOf are the quotas that a launch of the groups may count towards, each once, by code, without
// their values. What is reserved counts already, whoever uses it.
func QuotasOf(groups []spec.Group) []Quota {
	var all []Quota
	for i := range groups {
		g := &groups[i]
		if g.Count == 0 || g.Capacity.Only {
			continue
		}
		for _, typ := range g.InstanceTypes {
			for _, m := range []spec.Market{market(g), cmp.Or(g.Fallback, market(g))} {
				if q, ok := QuotaOf(typ, m); ok {
					all = append(all, q)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Quota) int { return cmp.Compare(a.Code, b.Code) })
	return slices.Compact(all)
}
