package fleet_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
)

// somebody answers GetCallerIdentity with another principal than the region does.
type somebody struct {
	next httpClient
	arn  string
}

func (s somebody) Do(q *http.Request) (*http.Response, error) {
	action := actionOf(q)
	resp, err := s.next.Do(q)
	if err != nil || action != "GetCallerIdentity" {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if head, rest, ok := strings.Cut(string(body), "<Arn>"); ok {
		_, tail, _ := strings.Cut(rest, "</Arn>")
		body = []byte(head + "<Arn>" + s.arn + "</Arn>" + tail)
		resp.ContentLength = int64(len(body))
		resp.Header.Del("Content-Length")
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

func TestSomebodyElsesClusterIsABlocker(t *testing.T) {
	inWorld(t, ec2sim.Options{}, func(w *world) {
		role := "arn:aws:sts::123456789012:assumed-role/research/"
		w.client = somebody{w.region, role + "monday"}
		want := cluster(5)
		w.mustUp(want)
		w.client = somebody{w.region, role + "tuesday"} // another session of the same role
		w.mustUp(want)

		w.client = somebody{w.region, "arn:aws:iam::123456789012:user/eve"}
		for _, c := range []int{5, 0} {
			l := w.launcher()
			have, err := l.Observe(w.Context(), cluster(c), fleet.Placing)
			if err != nil {
				w.Fatal(err)
			}
			p := planner.Diff(cluster(c), have)
			if len(p.Blockers) != 1 || !strings.Contains(p.Blockers[0].Detail, "assumed-role/research,") || !strings.Contains(p.Blockers[0].Detail, "--adopt") {
				w.Errorf("count %d: blockers %+v", c, p.Blockers)
			}
		}
		w.launch.Adopt = true
		if r := w.mustUp(want); r.Groups[0].Retagged != 5 || r.Groups[0].Launched > 0 {
			w.Errorf("adopting: %+v", r.Groups[0])
		}
		w.launch.Adopt = false
		time.Sleep(time.Minute)
		w.mustUp(want)
		if _, err := w.up(want.Empty()); err != nil {
			w.Fatal(err)
		}
	})
}
