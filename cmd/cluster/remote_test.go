package main

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSSHArguments(t *testing.T) {
	node := target{node: nodeKey{"compute", 3}, instance: "i-3", private: "10.0.0.3"}
	head := target{node: nodeKey{"head", 0}, instance: "i-0", private: "10.0.0.9", public: "198.18.0.9"}
	for name, c := range map[string]struct {
		way              sshWay
		to               target
		options, command []string
		want             []string
	}{
		"straight": {to: node, want: []string{"-o", "HostKeyAlias=i-3", "10.0.0.3"}},
		"a line for a shell": {
			to: node, command: []string{"uptime | wc"},
			want: []string{"-o", "HostKeyAlias=i-3", "10.0.0.3", "--", "uptime | wc"},
		},
		"words": {
			to: node, command: []string{"echo", "it's", "$HOME", ""},
			want: []string{"-o", "HostKeyAlias=i-3", "10.0.0.3", "--", `echo 'it'\''s' '$HOME' ''`},
		},
		"as somebody": {
			way: sshWay{user: "me"}, to: node, options: []string{"-o", "BatchMode=yes"},
			want: []string{"-o", "BatchMode=yes", "-o", "HostKeyAlias=i-3", "-l", "me", "10.0.0.3"},
		},
		"through the head": {
			way: sshWay{program: "/opt/my ssh%", jump: &head, public: true}, to: node,
			want: []string{
				"-o", `ProxyCommand='/opt/my ssh%%' -W '[%h]:%p' -o HostKeyAlias=i-0 198.18.0.9`,
				"-o", "HostKeyAlias=i-3", "10.0.0.3",
			},
		},
		"to the head itself": {
			way: sshWay{jump: &head, public: true}, to: head,
			want: []string{"-o", "HostKeyAlias=i-0", "198.18.0.9"},
		},
	} {
		if d := cmp.Diff(c.want, c.way.args(c.to, c.options, c.command)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	if err := (sshWay{public: true}).check([]target{head, node}); err == nil || err.Error() != "compute-3 has no public address" {
		t.Errorf("a node without a public address: %v", err)
	}
}

func TestGather(t *testing.T) {
	answers := []answer{
		{nodeKey{"a", 0}, 0, "ok", "x\n"},
		{nodeKey{"a", 1}, 1, "exited with 1", "x\n"},
		{nodeKey{"a", 2}, 0, "ok", "x\n"},
		{nodeKey{"b", 0}, 9, "exited with 9", ""},
	}
	want := []gathered{
		{[]nodeKey{{"a", 0}, {"a", 2}}, "ok", "x\n"},
		{[]nodeKey{{"a", 1}}, "exited with 1", "x\n"},
		{[]nodeKey{{"b", 0}}, "exited with 9", ""},
	}
	if d := cmp.Diff(want, gather(answers), cmp.AllowUnexported(gathered{})); d != "" {
		t.Errorf("gathered (-want +got):\n%s", d)
	}
	if e, ok := errors.AsType[*commandError](worst(answers)); !ok || exitCode(e) != 9 {
		t.Errorf("the worst is %v, want exit code 9", e)
	}
	slices.Reverse(answers)
	if err := worst(answers[1:2]); err != nil {
		t.Errorf("the worst of those that are well is %v", err)
	}
	if got := indent("a\n\nb"); got != "  a\n  \n  b\n" {
		t.Errorf("indented: %q", got)
	}
}
