package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"strings"

	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A lockFile is the lock file next to a cluster file, as one command has read it.
type lockFile struct {
	path string // empty: the cluster file is a pipe, and nothing is next to it
	lock *spec.Lock
}

// isLock says whether a path is that of a lock file.
func isLock(path string) bool { return strings.HasSuffix(path, spec.LockSuffix) }

// compareBools orders false before true.
func compareBools(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// readLock reads the lock file next to a cluster file. That there is none is no mistake.
func (a *app) readLock(cluster string) (*lockFile, error) {
	if info, err := os.Stat(cluster); err != nil || !info.Mode().IsRegular() {
		return &lockFile{lock: &spec.Lock{}}, nil
	}
	f := &lockFile{path: spec.LockPath(cluster)}
	lock, sources, diags := spec.ReadLock(f.path)
	maps.Copy(a.sources, sources)
	if diags.HasErrors() {
		return nil, &fileError{diags}
	}
	a.show(diags)
	f.lock = lock
	return f, nil
}

// glanceAtLock is readLock where nothing depends on it, since nodes can be looked at and ended without:
// a broken lock file is an empty one, with a warning.
func (a *app) glanceAtLock(cluster string) *lockFile {
	f, err := a.readLock(cluster)
	if err == nil {
		return f
	}
	diags := diagnose(err)
	for _, d := range diags {
		d.Severity = hcl.DiagWarning
	}
	a.show(diags)
	return &lockFile{lock: &spec.Lock{}}
}

// validateLock checks a lock file by itself.
func (a *app) validateLock(path string) error {
	lock, sources, diags := spec.ReadLock(path)
	a.sources = sources
	if _, err := os.Stat(path); err != nil {
		diags = problem(hcl.Range{}, "Cannot read the lock file", err.Error()+".")
	}
	if diags.HasErrors() {
		return &fileError{diags}
	}
	a.out.printf("%s is valid: a lock of %s\n", slash(path), plural(len(lock.Images), "image"))
	return nil
}

// tell puts what the lock has for the region, or for the rehearsal of it, into the cluster that is
// wanted. With upgrade it is what the lock had.
func (f *lockFile) tell(want *spec.Cluster, l *link, upgrade bool) {
	for i := range want.Groups {
		img := &want.Groups[i].Image
		img.Locked = f.lock.Find(l.Session.Region, l.rehearsal != nil, *img)
		img.Unlock = upgrade
	}
}

// writeLock brings the lock file up to what a plan without blockers has found, if that differs. A file
// that cannot be written is a warning: a full disk must not stop a job.
func (a *app) writeLock(f *lockFile, want *spec.Cluster, have planner.Observed, l *link) {
	if f.path == "" {
		return
	}
	region, rehearsal := l.Session.Region, l.rehearsal != nil
	// It is read again, because another command may have written its own region's entries meanwhile.
	before, _, diags := spec.ReadLock(f.path)
	if diags.HasErrors() {
		before = f.lock
	}
	text := before.With(region, rehearsal, planner.LockEntries(want, have, region, rehearsal)).Bytes()
	if bytes.Equal(text, before.Bytes()) {
		return
	}
	if err := replaceFile(f.path, text, 0o644); err != nil {
		d := problem(hcl.Range{}, "The lock file cannot be written", fmt.Sprintf(
			"%s. It goes on without, and which images this was is kept nowhere: once a channel or a name means another "+
				"image, the same file launches another.", sentence(err.Error())))
		d[0].Severity = hcl.DiagWarning
		a.show(d)
		return
	}
	if a.verbose {
		a.err.printf("%slock: %s%s\n", dim, slash(f.path), reset)
	}
}

// lockLines is the news of the lock file, a line each.
func lockLines(p planner.Plan) []string {
	var lines []string
	for _, n := range p.Locks {
		before, now := apart(n)
		switch {
		case !n.Moves:
			lines = append(lines, fmt.Sprintf("%s is %s now; the lock keeps %s: --upgrade-image moves it", asked(n.Asked), now, before))
		case len(p.Blockers) > 0:
			lines = append(lines, fmt.Sprintf("image %s -> %s (the lock moves once nothing is in the way)", before, now))
		default:
			lines = append(lines, fmt.Sprintf("image %s -> %s (lock moved)", before, now))
		}
	}
	return lines
}

// apart names two images by what tells them apart: version, name or id.
func apart(n planner.LockNote) (before, now string) {
	for _, pair := range [][2]string{
		{n.Locked.Version, n.Now.Tags[planner.TagImageVersion]}, {n.Locked.Name, n.Now.Name},
	} {
		if pair[0] != "" && pair[1] != "" && pair[0] != pair[1] {
			return pair[0], pair[1]
		}
	}
	return n.Locked.ID, n.Now.ID
}

// asked is a question in a word.
func asked(q spec.Image) string {
	switch {
	case q.Channel != "":
		return q.Channel
	case q.Version != "":
		return q.Family + " " + q.Version
	}
	return q.Name
}

// A lockNoteDoc is news of the lock file in JSON.
type lockNoteDoc struct {
	Asked  string    `json:"asked"`  // the question in words
	Locked namedDoc  `json:"locked"` // what the lock has
	Now    namedDoc  `json:"now"`    // what the file means now
	Moves  bool      `json:"moves"`  // the lock follows; false: it keeps what it has
	At     sourceDoc `json:"source"` // in the lock file
}

type namedDoc struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

func newLockNoteDocs(notes []planner.LockNote) []lockNoteDoc {
	var docs []lockNoteDoc
	for _, n := range notes {
		doc := lockNoteDoc{
			Asked: n.Asked.String(), Moves: n.Moves,
			Locked: namedDoc{n.Locked.ID, n.Locked.Name, n.Locked.Version},
			Now:    namedDoc{n.Now.ID, n.Now.Name, n.Now.Tags[planner.TagImageVersion]},
		}
		if at := newSourceDoc(n.Locked.Source.Block); at != nil {
			doc.At = *at
		}
		docs = append(docs, doc)
	}
	return docs
}
