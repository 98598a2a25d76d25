package main

import (
	"cluster/planner"

	"github.com/hashicorp/hcl/v2"
)

// formatVersion is the version of every JSON document and stream. Within it names are only added.
const formatVersion = "1"

// A planDoc is a plan in JSON.
type planDoc struct {
	FormatVersion string         `json:"format_version"`
	Cluster       string         `json:"cluster"`
	Region        string         `json:"region"`
	Rehearsal     bool           `json:"rehearsal"`
	Image         imageDoc       `json:"image"`           // of the first group that wants nodes
	Locks         []lockNoteDoc  `json:"locks,omitempty"` // news of the lock file
	Groups        []groupDoc     `json:"groups"`
	Actions       []actionDoc    `json:"actions"`
	Placements    []placementDoc `json:"placements"`
	Blockers      []blockerDoc   `json:"blockers"`
	Warnings      []blockerDoc   `json:"warnings"`
	Summary       summaryDoc     `json:"summary"`
	Forecast      int            `json:"forecast_seconds"` // that the launches wait for the account's bucket
	Quotas        []quotaDoc     `json:"quotas,omitempty"`
}

// A quotaDoc is a vCPU quota of the account that could be read and that the cluster's nodes count towards.
type quotaDoc struct {
	Code  string `json:"code"`
	Name  string `json:"name"`
	VCPUs int    `json:"vcpus"` // of all that runs in the account
	Need  int    `json:"need"`  // vCPUs of this cluster, once the plan is carried out
}

type imageDoc struct {
	ID           string `json:"id"`
	RootSnapshot string `json:"root_snapshot_id"`
}

type groupDoc struct {
	Name           string    `json:"name"`
	Want           int       `json:"want"`
	Have           int       `json:"have"`
	Unchanged      int       `json:"unchanged"`
	Most           int       `json:"most,omitempty"` // of burst capacity: nodes that there can be
	Image          imageDoc  `json:"image"`
	PlacementGroup string    `json:"placement_group,omitempty"`
	Ladder         []rungDoc `json:"ladder"`

	Update *updateDoc `json:"update,omitempty"` // of a group with an update block
}

// updateDoc says how a group's nodes are replaced.
type updateDoc struct {
	MaxUnavailable int    `json:"max_unavailable"` // nodes at a time
	Order          string `json:"order"`           // launch-first or terminate-first
	Batches        int    `json:"batches"`         // of nodes to be replaced; 0: there are none
}

type rungDoc struct {
	InstanceType string   `json:"instance_type"`
	Market       string   `json:"market"`                // on-demand or spot
	Reservation  string   `json:"reservation,omitempty"` // id of a capacity reservation or block, or ARN of a group of them
	Zones        []string `json:"zones"`
	Subnets      []string `json:"subnets"`
}

type actionDoc struct {
	Kind     string     `json:"kind"`
	Group    string     `json:"group"`
	Slots    string     `json:"slots"`
	Count    int        `json:"count"`
	Instance string     `json:"instance_id,omitempty"`
	Reason   string     `json:"reason"`
	Source   *sourceDoc `json:"source,omitempty"`
}

type placementDoc struct {
	Kind     string     `json:"kind"` // create or delete
	Name     string     `json:"name"`
	Strategy string     `json:"strategy"`
	Group    string     `json:"group"`
	Reason   string     `json:"reason"`
	Source   *sourceDoc `json:"source,omitempty"`
}

type blockerDoc struct {
	Group   string     `json:"group,omitempty"`
	Summary string     `json:"summary"`
	Detail  string     `json:"detail"`
	Source  *sourceDoc `json:"source,omitempty"`
}

type sourceDoc struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

type summaryDoc struct {
	Launch    int `json:"launch"`
	Terminate int `json:"terminate"`
	Replace   int `json:"replace"`
	Retag     int `json:"retag"`
	Start     int `json:"start"`
	Unchanged int `json:"unchanged"`
}

func newPlanDoc(p planner.Plan, rehearsal bool) planDoc {
	doc := planDoc{
		FormatVersion: formatVersion,
		Cluster:       p.Cluster,
		Region:        p.Region,
		Rehearsal:     rehearsal,
		Image:         newImageDoc(firstImage(p)),
		Locks:         newLockNoteDocs(p.Locks),
		Groups:        []groupDoc{},
		Actions:       []actionDoc{},
		Placements:    []placementDoc{},
		Blockers:      newBlockerDocs(p.Blockers),
		Warnings:      newBlockerDocs(p.Warnings),
		Summary:       summaryDoc(p.Summary()),
		Forecast:      int(forecast(launches(p)).Seconds()),
	}
	for _, q := range p.Quotas {
		doc.Quotas = append(doc.Quotas, quotaDoc{q.Code, q.Name, q.VCPUs, q.Need})
	}
	for _, g := range p.Groups {
		doc.Groups = append(doc.Groups, newGroupDoc(g))
	}
	for _, x := range p.Actions {
		doc.Actions = append(doc.Actions, actionDoc{
			Kind: x.Kind.String(), Group: x.Group, Slots: x.Slots.String(), Count: x.Count(),
			Instance: x.Instance, Reason: x.Why.Text, Source: newSourceDoc(x.Why.At),
		})
	}
	for _, c := range p.Placements {
		kind := "create"
		if c.Delete {
			kind = "delete"
		}
		doc.Placements = append(doc.Placements, placementDoc{
			Kind: kind, Name: c.Name, Strategy: string(c.Strategy), Group: c.Group,
			Reason: c.Why.Text, Source: newSourceDoc(c.Why.At),
		})
	}
	return doc
}

func newGroupDoc(g planner.GroupPlan) groupDoc {
	doc := groupDoc{
		Name: g.Name, Want: g.Want, Have: g.Have, Unchanged: g.Unchanged, Most: g.Most,
		Image: newImageDoc(g.Image), PlacementGroup: g.PlacementGroup, Ladder: []rungDoc{},
	}
	if r := g.Rolling; r.Most > 0 {
		doc.Update = &updateDoc{r.Most, string(r.Order), r.Batches}
	}
	for _, r := range g.Rungs {
		rung := rungDoc{InstanceType: r.Type, Market: string(r.Market), Reservation: r.Reservation, Zones: []string{}, Subnets: []string{}}
		for _, s := range r.Subnets {
			rung.Zones = append(rung.Zones, s.Zone)
			rung.Subnets = append(rung.Subnets, s.ID)
		}
		doc.Ladder = append(doc.Ladder, rung)
	}
	return doc
}

func newBlockerDocs(list []planner.Blocker) []blockerDoc {
	docs := []blockerDoc{}
	for _, b := range list {
		docs = append(docs, blockerDoc{Group: b.Group, Summary: b.Summary, Detail: b.Detail, Source: newSourceDoc(b.At)})
	}
	return docs
}

func newImageDoc(i planner.Image) imageDoc { return imageDoc{i.ID, i.RootSnapshot} }

// newSourceDoc is where a range starts; nil if it points nowhere.
func newSourceDoc(r hcl.Range) *sourceDoc {
	if r.Filename == "" {
		return nil
	}
	return &sourceDoc{slash(r.Filename), r.Start.Line}
}

// firstImage is the image of the first group that wants nodes.
func firstImage(p planner.Plan) planner.Image {
	for _, g := range p.Groups {
		if g.Want > 0 {
			return g.Image
		}
	}
	return planner.Image{}
}
