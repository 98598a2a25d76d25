package fleet_test

import (
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
)

// quotaPlan plans a cluster of n nodes, and gives how long the look took.
func (w *world) quotaPlan(n int, edit ...func(*spec.Group)) (planner.Plan, time.Duration) {
	w.Helper()
	l, start := w.launcher(), time.Now()
	have, err := l.Observe(w.Context(), cluster(n, edit...), fleet.Placing)
	if err != nil {
		w.Fatal(err)
	}
	return planner.Diff(cluster(n, edit...), have), time.Since(start)
}

func TestQuotaIsABlocker(t *testing.T) {
	inWorld(t, ec2sim.Options{VCPUQuota: 20}, func(w *world) {
		if p, _ := w.quotaPlan(10); len(p.Blockers) > 0 || len(p.Quotas) != 1 || p.Quotas[0].Need != 20 || p.Quotas[0].VCPUs != 20 {
			w.Errorf("10 nodes: %+v, quotas %+v", p.Blockers, p.Quotas)
		}
		if p, _ := w.quotaPlan(11); len(p.Blockers) != 1 || !strings.Contains(p.Blockers[0].Detail, "L-1216C47A --desired-value 22") {
			w.Errorf("11 nodes: %+v", p.Blockers)
		}
		p, _ := w.quotaPlan(11, func(g *spec.Group) { g.Market, g.Fallback = spec.Spot, spec.OnDemand })
		if len(p.Blockers) != 2 {
			w.Errorf("on two markets: %+v", p.Blockers)
		}
		asked := map[string]int{}
		for _, c := range w.region.Journal() {
			asked[c.Params.Get("QuotaCode")]++
		}
		if asked["L-1216C47A"] != 3 || asked["L-34B43A08"] != 1 {
			w.Errorf("asked for %v, want each once a plan", asked)
		}
	})
}

// What can go wrong with a quota keeps nobody from launching, and for no longer than its patience.
func TestQuotaIsNoCondition(t *testing.T) {
	for name, f := range map[string]ec2sim.Fault{
		"not permitted": {Code: "AccessDeniedException"},
		"throttled":     {Code: "TooManyRequestsException"},
		"no such":       {Code: "NoSuchResourceException"},
		"broken":        {Code: "ServiceException", Status: 500},
		"lost":          {LoseReply: true},
		"silent":        {Slow: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, ec2sim.Options{VCPUQuota: 1}, func(w *world) {
				f.Action = "Get*ServiceQuota"
				w.region.Inject(f)
				p, took := w.quotaPlan(10)
				if len(p.Blockers)+len(p.Warnings)+len(p.Quotas) > 0 {
					w.Errorf("blockers %+v, warnings %+v, quotas %+v", p.Blockers, p.Warnings, p.Quotas)
				}
				if took > 6*time.Second {
					w.Errorf("the plan took %s", took)
				}
			})
		})
	}
}

// The facts of a launch are asked for side by side: what the quota adds is a call, and no time.
func TestQuotaTakesNoTime(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		if _, took := w.quotaPlan(10); took != 4*callLatency {
			w.Errorf("the look took %s, want four times %s", took, callLatency)
		}
	})
}

// Package planner and the region have each their own table of quotas: they are the same for every type here.
func TestQuotaTablesAgree(t *testing.T) {
	c := servicequotas.New(servicequotas.Options{
		Region: "us-east-1", HTTPClient: ec2sim.New(ec2sim.Options{Instant: true}), BaseEndpoint: new("http://quotas.invalid"),
		Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	known := 0
	for _, typ := range ec2sim.Types() {
		for _, m := range []spec.Market{spec.OnDemand, spec.Spot} {
			q, ok := planner.QuotaOf(typ, m)
			if !ok {
				continue
			}
			known++
			out, err := c.GetServiceQuota(t.Context(), &servicequotas.GetServiceQuotaInput{ServiceCode: new("ec2"), QuotaCode: &q.Code})
			if err != nil || *out.Quota.QuotaName != q.Name {
				t.Errorf("%s %s: %s is %v, %v", typ, m, q.Code, out, err)
			}
		}
		if _, ok := planner.QuotaOf(typ, spec.OnDemand); !ok {
			t.Errorf("no quota is known for %s", typ)
		}
	}
	if known < 2*len(ec2sim.Types())-10 {
		t.Errorf("only %d quotas are known", known)
	}
}
