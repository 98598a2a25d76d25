package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A spool is a folder that outlives a crash: the requests of Slurm that are not done, and what is known of each node.
type spool struct{ dir string }

const (
	spoolRequests = "requests"
	spoolNodes    = "nodes"
)

// A slurmRequest is one call of Slurm's.
type slurmRequest struct {
	Verb  string          `json:"verb"` // resume or suspend
	Nodes []string        `json:"nodes"`
	Jobs  json.RawMessage `json:"jobs,omitempty"` // the file that SLURM_RESUME_FILE named, which lasts as long as the call
	At    time.Time       `json:"at"`
}

// add writes a request down, so that it is done whatever happens, and gives its path.
func (s spool) add(r slurmRequest) (string, error) {
	for _, dir := range []string{spoolRequests, spoolNodes} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o700); err != nil {
			return "", fmt.Errorf("make the spool: %w", err)
		}
	}
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("write the request: %w", err)
	}
	// In the order of their names they are in that of their times.
	name := fmt.Sprintf("%s-%s-%d.json", r.At.UTC().Format("20060102T150405.000000000"), r.Verb, os.Getpid())
	path := filepath.Join(s.dir, spoolRequests, name)
	return path, writeDurably(path, text)
}

// writeDurably writes a file whole or not at all, and returns when the disk has it.
func writeDurably(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// requests are the paths of those that are not done, the oldest first.
func (s spool) requests() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.dir, spoolRequests))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			paths = append(paths, filepath.Join(s.dir, spoolRequests, e.Name()))
		}
	}
	return paths, err
}

func readRequest(path string) (r slurmRequest, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read the request: %w", err)
	}
	return r, nil
}

// claim makes this process the one that works on a request; nil if another does, or if it is done.
func claim(path string) (release func(), err error) {
	release, err = holdFile(path, false, false)
	if err == nil && release != nil && !exists(path) {
		release() // done in the moment between
		return nil, nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return release, err
}

// A nodeRecord is what is known of a node from one call to the next.
type nodeRecord struct {
	Generation int      `json:"generation"` // how often it was suspended
	Ended      []string `json:"ended"`      // instances that were ended: none of them is the node again, whatever EC2 still shows
}

func (s spool) record(node string) (r nodeRecord, err error) {
	text, err := os.ReadFile(filepath.Join(s.dir, spoolNodes, node+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read what is known of %s: %w", node, err)
	}
	return r, nil
}

// change changes what is known of a node. Nobody else changes it meanwhile.
func (s spool) change(node string, how func(*nodeRecord)) error {
	path := filepath.Join(s.dir, spoolNodes, node)
	unlock, err := holdFile(path+".record", true, true)
	if err != nil {
		return err
	}
	defer unlock()
	r, err := s.record(node)
	if err != nil {
		return err
	}
	how(&r)
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return writeDurably(path+".json", text)
}

// hold waits until nobody else brings one of the nodes up, and keeps them for this process. Everybody takes them in the
// same order, so that nobody waits for ever.
func (s spool) hold(nodes []string) (release func(), err error) {
	var held []func()
	release = func() {
		for _, r := range held {
			r()
		}
	}
	for _, n := range slices.Sorted(slices.Values(nodes)) {
		unlock, err := holdFile(filepath.Join(s.dir, spoolNodes, n+".lock"), true, true)
		if err != nil {
			release()
			return nil, err
		}
		held = append(held, unlock)
	}
	return release, nil
}
