package main

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"cluster/fleet"

	"golang.org/x/sync/errgroup"
)

// A keyring is the host keys that are known of instances: a folder with a file of known_hosts for each, under the
// id of the instance, which is also what ssh is told to look for. A key is read once on the instance's console;
// from then on it is the one that the instance has to have. As with any known_hosts, ssh-keygen -R forgets it.
type keyring struct {
	dir     string // absolute; empty: there is no place for it
	session *fleet.Session
	told    *printer // of what takes long
}

// keysFolder is the folder of host keys, in that of the program's state or in that of a rehearsal.
const keysFolder = "host-keys"

// keyring is that of a cluster.
func (a *app) keyring(l *link, cluster string) keyring {
	k := keyring{session: l.Session, told: a.err}
	dir, err := a.stateDir()
	if a.rehearse {
		dir, err = a.rehearsalDir()
	} else if e := l.Session.Endpoint(); e != "" && err == nil {
		// Whatever it is, its ids are not those of EC2.
		u, _ := url.Parse(e)
		dir = filepath.Join(dir, "at-"+regexp.MustCompile(`[^A-Za-z0-9.]+`).ReplaceAllString(u.Host, "-"))
	}
	if err == nil {
		dir, err = filepath.Abs(filepath.Join(dir, keysFolder, cluster))
	}
	// Not every ssh reads a path with such characters alike.
	if err == nil && !strings.ContainsAny(dir, "\"\\\n$") {
		k.dir = dir
	}
	return k
}

// file is where the keys of an instance are, or will be.
func (k keyring) file(instance string) (string, bool) {
	return filepath.Join(k.dir, instance), k.dir != "" && instanceForm.MatchString(instance)
}

// manyKeys is for how many nodes it takes noticeably long: EC2 shows some 20 consoles a second.
const manyKeys = 100

// Of an instance that is old enough to have told its keys and has not, that is remembered for a while.
const (
	keysWithin   = 15 * time.Minute
	keylessSince = time.Hour
)

// known finds what is known of the keys of a node, without asking anybody. It is false if it is worth asking.
func (k keyring) known(t *target) bool {
	path, ok := k.file(t.instance)
	if !ok {
		t.keyless = "there is no folder to keep it in"
		return true
	}
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	if info.Size() == 0 {
		t.keyless = keylessConsole
		return time.Since(info.ModTime()) < keylessSince
	}
	t.keys, t.keyless = path, ""
	return true
}

const keylessConsole = "EC2 shows no host key on its console"

// learn finds the keys of nodes, and remembers them. Of which it could not is said in the nodes; only the end of ctx
// is an error.
func (k keyring) learn(ctx context.Context, nodes ...*target) error {
	nodes = slices.DeleteFunc(nodes, k.known)
	if len(nodes) >= manyKeys {
		k.told.printf("reading the host keys of %s on their consoles\n", plural(len(nodes), "node"))
	}
	var g errgroup.Group
	g.SetLimit(16)
	for _, t := range nodes {
		g.Go(func() error {
			k.ask(ctx, t)
			return nil
		})
	}
	g.Wait()
	return context.Cause(ctx)
}

// ask reads the keys of a node on its console.
func (k keyring) ask(ctx context.Context, t *target) {
	keys, err := k.session.HostKeys(ctx, t.instance)
	var text strings.Builder
	for _, key := range keys {
		text.WriteString(t.instance + " " + key + "\n")
	}
	switch path, _ := k.file(t.instance); {
	case err != nil:
		t.keyless = "its console cannot be read: " + refusal(err)
	case len(keys) == 0 && k.session.Now().Sub(t.launched) < keysWithin:
		t.keyless = keylessConsole + " yet"
	default:
		if err := keep(path, text.String()); err != nil {
			t.keyless = "it cannot be kept: " + err.Error()
		} else if t.keyless = keylessConsole; len(keys) > 0 {
			t.keys, t.keyless = path, ""
		}
	}
}

// keep writes a file of the keyring, whole or not at all.
func keep(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replaceFile(path, []byte(text), 0o600)
}

// refusal is an error of a call in a few words.
func refusal(err error) string {
	if e, ok := errors.AsType[*fleet.CallError](err); ok {
		return cmp.Or(e.Code, "no answer")
	}
	return err.Error()
}

// read are the known keys of an instance, and the path of their file.
func (k keyring) read(instance string) (keys []string, path string) {
	path, ok := k.file(instance)
	text, err := os.ReadFile(path)
	if !ok || err != nil {
		return nil, ""
	}
	for line := range strings.Lines(string(text)) {
		if key, ok := strings.CutPrefix(strings.TrimSpace(line), instance+" "); ok {
			keys = append(keys, key)
		}
	}
	return keys, path
}

// tellKeyless says of which nodes no host key is known, and why of the first of them.
func (a *app) tellKeyless(nodes []target) {
	var keyless []nodeKey
	why := ""
	for _, t := range nodes {
		if t.keys == "" {
			keyless, why = append(keyless, t.node), cmp.Or(why, t.keyless)
		}
	}
	if len(keyless) > 0 {
		a.err.printf("No host key of %s is known: %s\n", foldNodes(keyless), why)
	}
}

// forget removes the keys of instances that the cluster has no more, once they have been kept for a day: another command
// may know of an instance that this one has not seen yet.
func (k keyring) forget(alive map[string]bool) {
	files, _ := os.ReadDir(k.dir)
	for _, f := range files {
		if info, err := f.Info(); err == nil && !alive[f.Name()] && time.Since(info.ModTime()) > 24*time.Hour {
			os.Remove(filepath.Join(k.dir, f.Name()))
		}
	}
}

// clear forgets all keys of a cluster that is gone.
func (k keyring) clear() {
	if k.dir != "" {
		os.RemoveAll(k.dir)
	}
}

// sshKeyOptions are the options by which ssh takes the known keys of a node and no others; none if no key is known.
func sshKeyOptions(t target) []string {
	if t.keys == "" {
		return nil
	}
	return []string{"-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + sshPath(t.keys)}
}

// sshPath is a path as a word of ssh's configuration, which has quotes, and tokens that begin with %.
func sshPath(path string) string {
	return sshWord(strings.ReplaceAll(path, "%", "%%"))
}

// keylessHint says what can be done about nodes that were not reached, if no key of one of them is known.
func (a *app) keylessHint(r *reached, nodes []target) {
	i := slices.IndexFunc(nodes, func(t target) bool { return t.keys == "" })
	if i < 0 {
		return
	}
	t := nodes[i]
	a.err.printf("No host key of %s is known: %s. Your known_hosts would have to have it, under the name %s.\n", t.node, t.keyless, t.instance)
	if !a.rehearse {
		a.err.printf("What it wrote: aws ec2 get-console-output --latest --output text --region %s --instance-id %s\n", r.Session.Region, t.instance)
	}
}
