package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// A manifestDoc says where the nodes of a cluster came from, for whoever asks later. It holds no user
// data, no tag and no variable.
type manifestDoc struct {
	FormatVersion string          `json:"format_version"`
	Version       string          `json:"version"`  // of this program
	Observed      time.Time       `json:"observed"` // when the nodes were looked at
	Cluster       string          `json:"cluster"`
	Region        string          `json:"region"`
	Rehearsal     bool            `json:"rehearsal"`
	Account       string          `json:"account"`
	Principal     string          `json:"principal,omitempty"` // who looked
	File          hashDoc         `json:"file"`
	Lock          *lockDoc        `json:"lock,omitempty"` // missing: there is no lock file
	Identical     bool            `json:"identical"`
	Mismatched    []mismatchDoc   `json:"mismatched"`
	Images        []manifestImage `json:"images"` // in the order of the file
	Nodes         []manifestNode  `json:"nodes"`  // in the order of the file's groups, then by slot
}

type hashDoc struct {
	Name   string `json:"name"` // without its folder
	SHA256 string `json:"sha256"`
}

type lockDoc struct {
	hashDoc
	Images []lockedDoc `json:"images"` // of this region
}

type lockedDoc struct {
	Asked        string `json:"asked"`
	ID           string `json:"id"`
	RootSnapshot string `json:"root_snapshot_id"`
}

type manifestImage struct {
	Groups       []string  `json:"groups"`
	Asked        string    `json:"asked"` // how the file names it, in words
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Owner        string    `json:"owner"`
	Created      time.Time `json:"created,omitzero"`
	RootSnapshot string    `json:"root_snapshot_id"`
	Family       string    `json:"family,omitempty"`
	Version      string    `json:"version,omitempty"`
	Ancestors    []string  `json:"ancestors"`              // the nearest first, as far as tags tell
	Deregistered bool      `json:"deregistered,omitempty"` // known from the lock file only
}

type manifestNode struct {
	Name         string    `json:"name"`
	Group        string    `json:"group"`
	Slot         int       `json:"slot"`
	Instance     string    `json:"instance_id"`
	State        string    `json:"state"`
	Volume       string    `json:"volume_id"`
	Snapshot     string    `json:"snapshot_id"`
	Zone         string    `json:"zone"`
	Subnet       string    `json:"subnet"`
	InstanceType string    `json:"instance_type"`
	PrivateIP    string    `json:"private_ip"`
	Launched     time.Time `json:"launched"`
	Image        string    `json:"image_id"`
	Market       string    `json:"market"`

	copied bool // the root volume is a copy of another volume, so it has no snapshot
}

// writeManifest writes a manifest if everything that belongs into it was seen, and says so.
func (a *app) writeManifest(ctx context.Context, out, path string, lock *lockFile, want *spec.Cluster, have planner.Observed, v planner.Verdict, l *link) error {
	doc := a.newManifest(path, lock, want, have, v, l)
	var account string
	doc.Principal, account = l.Session.Principal(ctx)
	doc.Account = cmp.Or(doc.Account, account)
	if unseen := doc.unseen(); len(unseen) > 0 {
		d := problem(hcl.Range{}, "The manifest is not written", fmt.Sprintf(
			"Not everything could be observed: %s. Nodes that were launched just now may need a minute; run the same command again.", some(unseen, 5, "")))
		d[0].Severity = hcl.DiagWarning
		a.show(d)
		return nil
	}
	var text bytes.Buffer
	(&printer{w: &text}).json(doc, true)
	if err := replaceFile(out, text.Bytes(), 0o644); err != nil {
		return err
	}
	verdict := "identical"
	if !doc.Identical {
		verdict = "not identical, and the manifest says so"
	}
	a.err.printf("Manifest written: %s (%s, %s)\n", slash(out), plural(len(doc.Nodes), "node"), verdict)
	return nil
}

func (a *app) newManifest(path string, lock *lockFile, want *spec.Cluster, have planner.Observed, v planner.Verdict, l *link) manifestDoc {
	doc := manifestDoc{
		FormatVersion: formatVersion, Version: version(), Observed: have.At.UTC(),
		Cluster: want.Name, Region: l.Session.Region, Rehearsal: l.rehearsal != nil, Account: have.Account,
		File:      a.hashed(path),
		Identical: v.Identical, Mismatched: newVerdictDoc(want.Name, v).Mismatched,
		Images: []manifestImage{}, Nodes: manifestNodes(want, have),
	}
	if _, ok := a.sources[lock.path]; ok && lock.path != "" {
		doc.Lock = &lockDoc{hashDoc: a.hashed(lock.path), Images: []lockedDoc{}}
		for _, e := range lock.lock.Images {
			if e.Region == doc.Region && e.Rehearsal == doc.Rehearsal {
				doc.Lock.Images = append(doc.Lock.Images, lockedDoc{e.Asked.String(), e.ID, e.RootSnapshot})
			}
		}
	}
	for _, u := range planner.ImageUses(want, have) {
		img := manifestImage{
			Groups: u.Groups, Asked: u.Asked.String(), ID: u.Image.ID, Name: u.Image.Name, Owner: u.Image.Owner,
			Created: u.Image.Created.UTC(), RootSnapshot: u.Image.RootSnapshot,
			Family: u.Image.Tags[planner.TagImageFamily], Version: u.Image.Tags[planner.TagImageVersion],
			Ancestors: append([]string{}, u.Ancestors...), Deregistered: u.Gone,
		}
		if u.Gone {
			img.Family, img.Version = u.Locked.Family, u.Locked.Version
		}
		doc.Images = append(doc.Images, img)
	}
	return doc
}

// hashed is a file as it was read.
func (a *app) hashed(path string) hashDoc {
	sum := sha256.Sum256(a.sources[path].Bytes)
	return hashDoc{Name: filepath.Base(path), SHA256: hex.EncodeToString(sum[:])}
}

// manifestNodes are the instances of a cluster that live, in the order of a manifest.
func manifestNodes(want *spec.Cluster, have planner.Observed) []manifestNode {
	order := func(group string) int {
		if i := slices.IndexFunc(want.Groups, func(g spec.Group) bool { return g.Name == group }); i >= 0 {
			return i
		}
		return len(want.Groups)
	}
	nodes := []manifestNode{}
	for _, i := range have.Instances {
		if i.State.Dead() || i.Tags[planner.TagName] != want.Name {
			continue
		}
		nodes = append(nodes, manifestNode{
			Name: planner.NodeName(i.Group, i.Slot), Group: i.Group, Slot: i.Slot, Instance: i.ID, State: string(i.State),
			Volume: i.RootVolumeID, Snapshot: i.RootSnapshot, Zone: i.Zone, Subnet: i.SubnetID, InstanceType: i.InstanceType,
			PrivateIP: i.PrivateIP, Launched: i.Launched.UTC(), Image: i.ImageID, Market: i.Market, copied: i.RootVolumeCopied,
		})
	}
	slices.SortFunc(nodes, func(x, y manifestNode) int {
		return cmp.Or(
			cmp.Compare(order(x.Group), order(y.Group)), cmp.Compare(x.Group, y.Group), cmp.Compare(x.Slot, y.Slot),
			x.Launched.Compare(y.Launched), cmp.Compare(x.Instance, y.Instance),
		)
	})
	return nodes
}

// unseen is what a manifest lacks because nobody saw it.
func (d manifestDoc) unseen() []string {
	var out []string
	for _, img := range d.Images {
		if img.ID == "" || img.RootSnapshot == "" {
			out = append(out, "the image of "+strings.Join(img.Groups, " and "))
		}
	}
	for _, n := range d.Nodes {
		if n.Image == "" || n.Volume == "" || n.Snapshot == "" && !n.copied {
			out = append(out, "the root volume of "+n.Name)
		}
	}
	return out
}
