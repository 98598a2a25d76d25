package ec2sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// store keeps a region's state in a file. The first line of the file is its stamp, which no two versions of
// it share, so that a process knows without reading on whether it has the newest state; the rest is JSON.
type store struct {
	path  string
	stamp string // of the version that the region holds; "" if it holds none
	saves int
}

// format is the first word of the stamp. It changes when older files can no longer be read.
const format = "ec2sim-1"

func (s *store) forget() { s.stamp = "" }

// with runs change on the newest state, alone among all processes. The state is written back if keep says
// so or if change marked the state or a world dirty; the error of change does not stop that.
func (s *store) with(r *Region, keep bool, change func() error) error {
	unlock, err := lock(s.path + ".lock")
	if err != nil {
		return fmt.Errorf("lock the embedded region's state: %w", err)
	}
	defer unlock()
	created, err := s.load(r)
	if err != nil {
		return fmt.Errorf("read the embedded region's state: %w", err)
	}
	failure := change()
	for _, w := range r.s.Worlds {
		keep = keep || w.dirty
		w.dirty = false
	}
	keep, r.s.dirty = keep || r.s.dirty, false
	if keep || created {
		if err := s.save(r); err != nil {
			// What was done is not safe, so it must not be seen either: the next request reads the file again.
			s.forget()
			return fmt.Errorf("write the embedded region's state: %w", err)
		}
	}
	return failure
}

// load makes the region's state that of the file, or a fresh one if there is no file.
func (s *store) load(r *Region) (created bool, err error) {
	f, err := os.Open(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		r.s, s.stamp = r.fresh(), ""
		return true, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	b := bufio.NewReader(f)
	stamp, err := b.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if stamp != "" && stamp == s.stamp {
		return false, nil
	}
	if !strings.HasPrefix(stamp, format+" ") {
		return false, fmt.Errorf("%s is not a state file that this version reads; remove it to start afresh", s.path)
	}
	fresh := &state{}
	if err := json.NewDecoder(b).Decode(fresh); err != nil {
		return false, fmt.Errorf("%s: %w; remove it to start afresh", s.path, err)
	}
	if fresh.Worlds == nil {
		fresh.Worlds = map[string]*world{}
	}
	for _, w := range fresh.Worlds {
		w.makeMaps()
	}
	r.s, s.stamp = fresh, stamp
	return false, nil
}

// save writes the state to a new file and puts it in the place of the old one, so that whoever is killed
// here leaves either the one or the other, whole.
func (s *store) save(r *Region) error {
	now := time.Now()
	r.s.leaveShelf()
	r.s.Clock = clock{Region: r.s.Clock.at(now, r.o.Speed, true), Wall: now.Round(0), Speed: r.o.Speed}
	s.saves++
	stamp := fmt.Sprintf("%s %d %d %d\n", format, now.UnixNano(), os.Getpid(), s.saves)
	var b bytes.Buffer
	b.WriteString(stamp)
	if err := json.NewEncoder(&b).Encode(r.s); err != nil {
		return err
	}
	// Only who holds the lock writes here, so what a killed process left is overwritten.
	f, err := os.Create(s.path + ".tmp")
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	s.stamp = stamp
	return nil
}
