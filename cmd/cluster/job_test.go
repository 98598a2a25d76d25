package main

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFoldNodes(t *testing.T) {
	for _, c := range []struct{ list, folded string }{
		{"", ""},
		{"head-0", "head-0"},
		{"compute-3,compute-1,compute-2,head-0,compute-7", "compute-[1-3,7],head-0"},
		{"compute-1,compute-1", "compute-1"},
		{" a-b-0 , a-b-1,c-[0-1]", "a-b-[0-1],c-[0-1]"},
	} {
		var nodes []nodeKey
		if c.list != "" {
			var err error
			if nodes, err = parseNodes(c.list); err != nil {
				t.Fatal(err)
			}
		}
		if got := foldNodes(nodes); got != c.folded {
			t.Errorf("%q folds to %q, want %q", c.list, got, c.folded)
		}
	}
	if got := foldNodes([]nodeKey{{"compute", -1}, {"compute", 4}}); got != "compute-4,compute-?" {
		t.Errorf("a slot that cannot be told folds to %q", got)
	}
	for _, bad := range []string{"", "compute", "-1", "compute-", "compute-x", "compute-[3-1]", "compute-[0-1", "a-0,,b-0", "compute-[]"} {
		if nodes, err := parseNodes(bad); err == nil {
			t.Errorf("%q is read as %v", bad, nodes)
		}
	}
}

// TestFoldNodesIsReadBack holds that parseNodes reads what foldNodes writes, whatever the order was.
func TestFoldNodesIsReadBack(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) nodeKey {
		return nodeKey{rapid.SampledFrom([]string{"a", "b-1", "head"}).Draw(t, "group"), rapid.IntRange(0, 30).Draw(t, "slot")}
	})
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.SliceOfN(key, 1, 20).Draw(t, "nodes")
		back, err := parseNodes(foldNodes(nodes))
		if err != nil {
			t.Fatal(err)
		}
		order := func(x, y nodeKey) int { return strings.Compare(x.String(), y.String()) }
		slices.SortFunc(nodes, order)
		slices.SortFunc(back, order)
		if nodes = slices.Compact(nodes); !slices.Equal(nodes, back) {
			t.Errorf("%v comes back as %v", nodes, back)
		}
	})
}

func TestJobEnvironment(t *testing.T) {
	j := job{File: "/home/me/cfd.hcl", Rehearsal: true, Status: statusDoc{Cluster: "cfd", Region: "eu-west-1", Groups: []statusGroup{
		{Name: "head", Nodes: []statusNode{{Slot: 0, State: "running", PrivateIP: "10.0.0.4"}}},
		{Name: "compute", Nodes: []statusNode{
			{Slot: 0, State: "running", PrivateIP: "10.0.0.5"},
			{Slot: 1, State: "stopped", PrivateIP: "10.0.0.6"},
			{Slot: 2, State: "running", PrivateIP: "10.0.0.7"},
		}},
	}}}
	want := []string{
		"CLUSTER_FILE=/home/me/cfd.hcl", "CLUSTER_NAME=cfd", "CLUSTER_REGION=eu-west-1", "CLUSTER_NODES=head-0,compute-[0,2]",
		"CLUSTER_NODE_COUNT=3", "CLUSTER_HOSTS_FILE=/tmp/x/hosts", "CLUSTER_INVENTORY=/tmp/x/inventory.json",
		"CLUSTER_EXPORT=/tmp/x/export", "CLUSTER_REHEARSE=1",
	}
	if got := j.environment("/tmp/x"); !slices.Equal(got, want) {
		t.Errorf("the environment is %q, want %q", got, want)
	}
	if got := j.hosts(); got != "10.0.0.4\n10.0.0.5\n10.0.0.7\n" {
		t.Errorf("the hosts are %q", got)
	}
}
