package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
	"cluster/planner"
	"cluster/spec"
)

// consoles is a keyring of a cluster with one node, whose console is what *text says.
func consoles(t *testing.T, text *string) (keyring, target) {
	t.Helper()
	region := ec2sim.New(ec2sim.Options{Instant: true, Console: func(string) []byte { return []byte(*text) }})
	s, err := fleet.Open(t.Context(), fleet.SessionOptions{HTTPClient: region})
	if err != nil {
		t.Fatal(err)
	}
	l := &fleet.Launcher{Session: s}
	want := &spec.Cluster{Name: "web", Groups: []spec.Group{{
		Name: "web", Count: 1, InstanceTypes: []string{"c7i.large"}, Image: spec.Image{ID: ec2sim.BaseImage}, Launch: spec.Launch{All: true, Min: 1},
	}}}
	have, err := l.Observe(t.Context(), want, fleet.Placing)
	if err == nil {
		_, err = l.Apply(t.Context(), want, have, planner.Diff(want, have))
	}
	if err != nil {
		t.Fatal(err)
	}
	return keyring{dir: filepath.Join(t.TempDir(), "keys"), session: s, told: &printer{w: io.Discard}}, target{instance: region.Instances()[0], launched: time.Now()}
}

// asks says how many consoles are read by a learn.
func (k keyring) asks(t *testing.T, node *target) int {
	t.Helper()
	_, before := k.session.Calls()
	if err := k.learn(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	_, after := k.session.Calls()
	return after["GetConsoleOutput"] - before["GetConsoleOutput"]
}

const (
	oneKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPXiNoAA53mV3GzMIwQCVzT8y1+VKVMQiEbdLp5FmkvG"
	otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN5hQORg7sTNxWNQKHR8pQcWnVZiT11C9zoTMETRFYr1"
)

func told(key string) string {
	return "-----BEGIN SSH HOST KEY KEYS-----\n" + key + " root@x\n-----END SSH HOST KEY KEYS-----\n"
}

// TestKeyring holds that the key that was read first stays the one of its instance, whatever it writes later.
func TestKeyring(t *testing.T) {
	text := "booting\n"
	k, node := consoles(t, &text)
	if n := k.asks(t, &node); n != 1 || node.keys != "" || !strings.HasSuffix(node.keyless, " yet") {
		t.Errorf("before it has told: %d calls, %+v", n, node)
	}
	text = told(oneKey)
	if n := k.asks(t, &node); n != 1 || node.keys == "" || node.keyless != "" {
		t.Errorf("when it has: %d calls, %+v", n, node)
	}
	text = told(otherKey)
	again := target{instance: node.instance, launched: node.launched}
	if n := k.asks(t, &again); n != 0 || again.keys != node.keys {
		t.Errorf("once it is known: %d calls, %+v", n, again)
	}
	if keys, _ := k.read(node.instance); len(keys) != 1 || keys[0] != oneKey {
		t.Errorf("the keys are %q", keys)
	}
	k.forget(map[string]bool{})
	if _, err := os.Stat(node.keys); err != nil {
		t.Errorf("a young key is forgotten: %v", err)
	}
	yesterday := time.Now().Add(-25 * time.Hour)
	os.Chtimes(node.keys, yesterday, yesterday)
	k.forget(map[string]bool{node.instance: true})
	if _, err := os.Stat(node.keys); err != nil {
		t.Errorf("the key of a node is forgotten: %v", err)
	}
	k.forget(map[string]bool{})
	if _, err := os.Stat(node.keys); err == nil {
		t.Error("the key of an instance that is gone stays")
	}
}

// TestKeyless holds that nodes which never tell a key are not asked each time, but now and then.
func TestKeyless(t *testing.T) {
	text := "login:"
	k, node := consoles(t, &text)
	node.launched = time.Now().Add(-time.Hour)
	for _, want := range []int{1, 0} {
		if n := k.asks(t, &node); n != want || node.keys != "" || node.keyless != keylessConsole {
			t.Errorf("%d calls, want %d: %+v", n, want, node)
		}
	}
	path, _ := k.file(node.instance)
	before := time.Now().Add(-2 * time.Hour)
	os.Chtimes(path, before, before)
	text = told(oneKey)
	if n := k.asks(t, &node); n != 1 || node.keys == "" {
		t.Errorf("later: %d calls, %+v", n, node)
	}
	stranger := target{instance: "../i-0"}
	if n := k.asks(t, &stranger); n != 0 || stranger.keys != "" || stranger.keyless == "" {
		t.Errorf("what is no id of an instance: %d calls, %+v", n, stranger)
	}
	nowhere := target{instance: node.instance}
	if n := (keyring{session: k.session, told: k.told}).asks(t, &nowhere); n != 0 || nowhere.keys != "" {
		t.Errorf("without a place for keys: %d calls, %+v", n, nowhere)
	}
}
