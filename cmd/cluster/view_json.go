package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"cluster/fleet"
	"cluster/planner"

	"github.com/hashicorp/hcl/v2"
)

// An eventStream writes the progress of up and down as one JSON event a line. The first is version,
// the last summary, whatever happens between. All its methods do nothing on a nil stream.
type eventStream struct {
	out  *printer
	last map[string]any // the summary so far
	link *link          // nil: nothing was called yet
	bare bool           // what is done has no groups to count
}

// startStream begins the stream if --json asked for one.
func (a *app) startStream() {
	if a.format != events || a.stream != nil {
		return
	}
	a.stream = &eventStream{out: a.out, last: map[string]any{}}
	a.stream.write("info", "version", "cluster "+version(), map[string]any{
		"format_version": formatVersion, "version": version(),
	})
}

// write writes one event. Times are those of writing; what happened at the region's own time says
// so in at.
func (s *eventStream) write(level, kind, message string, fields map[string]any) {
	e := map[string]any{
		"@level":     level,
		"@message":   message,
		"@timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000000Z"),
		"type":       kind,
	}
	maps.Copy(e, fields)
	s.out.json(e, false)
}

func (s *eventStream) planned(p planner.Plan, l *link) {
	if s == nil {
		return
	}
	s.link = l
	s.write("info", "planned", heading(p), map[string]any{"plan": newPlanDoc(p, l.rehearsal != nil)})
}

func (s *eventStream) diagnostics(diags hcl.Diagnostics) {
	for _, d := range diags {
		doc := newDiagDoc(d)
		level := "error"
		if d.Severity == hcl.DiagWarning {
			level = "warn"
		}
		s.write(level, "diagnostic", doc.Severity+": "+doc.Summary, map[string]any{"diagnostic": doc})
	}
}

func (s *eventStream) verify(v planner.Verdict, e fleet.Event) {
	level := "info"
	if !v.Identical {
		level = "error"
	}
	fields := verdictFields(v)
	addBatch(fields, e)
	s.write(level, "verify", fmt.Sprintf("%s, %s%s", plural(v.Nodes, "node"), identical(v), batchText(e)), fields)
}

// event writes one event of a launch. Fields without a value are left out.
func (s *eventStream) event(e fleet.Event) {
	if e.Type == fleet.EventVerify && e.Verdict != nil {
		s.verify(*e.Verdict, e)
		return
	}
	level := "info"
	switch e.Type {
	case fleet.EventLaunchFailed, fleet.EventNodeLost, fleet.EventRetry, fleet.EventReleased:
		level = "warn"
	case fleet.EventCondition:
		if !e.Met {
			level = "warn"
		}
	}
	fields := map[string]any{}
	add := func(name, value string) {
		if value != "" {
			fields[name] = value
		}
	}
	add("group", e.Group)
	add("node", e.Node)
	add("slots", e.Slots.String())
	add("instance_id", e.Instance)
	add("zone", e.Zone)
	add("instance_type", e.InstanceType)
	add("market", string(e.Market))
	add("reservation", e.Reservation)
	add("code", e.Code)
	add("class", string(e.Class))
	add("message", e.Message)
	if !e.At.IsZero() {
		add("at", e.At.UTC().Format(time.RFC3339Nano))
	}
	if e.Asked > 0 || e.Got > 0 {
		fields["asked"], fields["got"] = e.Asked, e.Got
	}
	addBatch(fields, e)
	if e.Type == fleet.EventCondition {
		fields["condition"], fields["met"] = e.Condition, e.Met
	}
	if e.Counts != nil {
		fields["groups"] = countDocs(e.Counts)
	}
	s.write(level, string(e.Type), eventText(e), fields)
}

// addBatch says which batch of a rolling replacement an event happens in.
func addBatch(fields map[string]any, e fleet.Event) {
	if e.Batch > 0 {
		fields["batch"], fields["batches"] = e.Batch, e.Batches
	}
}

func countDocs(counts []fleet.GroupCount) []map[string]any {
	docs := []map[string]any{}
	for _, c := range counts {
		doc := map[string]any{
			"name": c.Group, "want": c.Want, "pending": c.Pending, "running": c.Running,
			"verified": c.Verified, "leaving": c.Leaving, "unchecked": c.Unchecked,
		}
		addConditions(doc, c.Wait, c.Met)
		docs = append(docs, doc)
	}
	return docs
}

func (s *eventStream) close() {}

// finish takes a report into the summary.
func (s *eventStream) finish(r fleet.Report, l *link) {
	var total fleet.GroupReport
	groups := []map[string]any{}
	for _, g := range r.Groups {
		total.Want += g.Want
		total.Launched += g.Launched
		total.Running += g.Running
		total.Replaced += g.Replaced
		total.Released += g.Released
		total.Terminated += g.Terminated
		total.Started += g.Started
		total.Retagged += g.Retagged
		doc := counted(g)
		doc["name"] = g.Name
		addConditions(doc, g.Wait, g.Met)
		groups = append(groups, doc)
	}
	s.last = map[string]any{
		"cluster":   r.Cluster,
		"region":    l.Session.Region,
		"rehearsal": l.rehearsal != nil,
		"counts":    counted(total),
		"groups":    groups,
		"api_calls": r.Calls,
		"calls":     r.ByAction,
		"seconds":   toMillis(r.Elapsed),
	}
	if r.Roll != nil {
		s.last["batch"], s.last["batches"] = r.Roll.Batch, r.Roll.Batches
		for _, g := range r.Roll.Groups {
			i := slices.IndexFunc(groups, func(doc map[string]any) bool { return doc["name"] == g.Name })
			groups[i]["rolled"] = map[string]any{"replaced": g.Replaced.String(), "unproven": g.Unproven.String(), "old": g.Old.String(), "down": g.Down.String()}
		}
	}
	if len(r.Failed) > 0 {
		s.last["failed"] = failedDocs(r.Failed)
	}
	if total.Want == 0 {
		s.last["left"] = len(r.Left)
	}
	if r.Verdict != nil {
		maps.Copy(s.last, map[string]any{"identical": r.Verdict.Identical, "nodes": r.Verdict.Nodes})
	}
}

func counted(g fleet.GroupReport) map[string]any {
	return map[string]any{
		"want": g.Want, "launched": g.Launched, "running": g.Running, "replaced": g.Replaced,
		"released": g.Released, "terminated": g.Terminated, "started": g.Started, "retagged": g.Retagged,
	}
}

// summary ends the stream. What was never reached is there all the same, as zero.
func (s *eventStream) summary(code int) {
	fields := map[string]any{
		"counts": counted(fleet.GroupReport{}), "groups": []any{}, "api_calls": 0, "calls": map[string]int{}, "seconds": 0,
	}
	if s.bare {
		delete(fields, "counts")
		delete(fields, "groups")
	}
	if s.link != nil {
		fields["api_calls"], fields["calls"] = s.link.Session.Calls()
		fields["seconds"] = toMillis(s.link.Session.Elapsed())
	}
	maps.Copy(fields, s.last)
	fields["exit_code"] = code
	level := "info"
	if code != exitDone {
		level = "error"
	}
	s.write(level, "summary", fmt.Sprintf("%v API calls, %v s, exit code %d", fields["api_calls"], fields["seconds"], code), fields)
}

// toMillis is a duration in seconds, to the millisecond.
func toMillis(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
