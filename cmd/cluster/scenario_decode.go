package main

import (
	"fmt"
	"strings"
	"time"

	"cluster/fleet/ec2sim"

	"github.com/hashicorp/hcl/v2"
)

// The grammar of a scenario file: what a block may have in it. Labels are names in quotes.
var (
	scenarioRoot = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "scenario", LabelNames: []string{"name"}}}}
	scenarioBody = schemaOf("description seed", "timing", "boot", "node", "capacity:type,zone", "drain:action", "fault:action")
	capacityBody = schemaOf("count every", "step")
	stepBody     = schemaOf("at count")
	drainBody    = schemaOf("requests instances from to every")
	timingBody   = schemaOf("pending visible devices shutting_down stopping starting checks listed run_instances call")
	bootBody     = schemaOf("share time")
	nodeBody     = schemaOf("numbers share dies message after stuck impaired from to")
	faultBody    = schemaOf("calls share code message done lost slow from to")
)

// schemaOf writes a schema from its arguments and its blocks, with the labels of those after a colon.
func schemaOf(args string, blocks ...string) *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for name := range strings.FieldsSeq(args) {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, b := range blocks {
		name, labels, _ := strings.Cut(b, ":")
		h := hcl.BlockHeaderSchema{Type: name}
		if labels != "" {
			h.LabelNames = strings.Split(labels, ",")
		}
		s.Blocks = append(s.Blocks, h)
	}
	return s
}

// scenario decodes the one scenario block of a file.
func (x *scenarioReader) scenario(f *hcl.File) (s ec2sim.Scenario) {
	if f == nil || f.Body == nil {
		return s
	}
	root := x.open(f.Body, scenarioRoot, f.Body.MissingItemRange())
	for n, b := range root.blocks {
		if n > 0 {
			x.errorf(b.DefRange, "Second scenario", "One file is one scenario, and %q is in it already.", root.blocks[0].Labels[0])
			continue
		}
		s = x.body(b)
	}
	if len(root.blocks) == 0 && !x.failed {
		x.errorf(root.at, "No scenario", `A scenario file has one scenario block: scenario "name" { … }.`)
	}
	return s
}

func (x *scenarioReader) body(b *hcl.Block) ec2sim.Scenario {
	c := x.open(b.Body, scenarioBody, b.DefRange)
	s := ec2sim.Scenario{Name: b.Labels[0]}
	x.about, _ = c.text("description")
	seed, _ := c.whole("seed", 1<<53)
	s.Seed = uint64(seed)
	left := 1.0 // of the instances whose boot time is not said yet
	for n, b := range c.blocks {
		at := x.open(b.Body, scenarioBlocks[b.Type], b.DefRange)
		switch b.Type {
		case "capacity":
			s.Supply = append(s.Supply, at.capacity(b))
		case "drain":
			s.Drains = append(s.Drains, at.drain(b))
		case "timing":
			if first := firstOf(c.blocks, b.Type); first != n {
				x.errorf(b.DefRange, "Second timing block", "A scenario has one timing block, and there is one on line %d already.", c.blocks[first].DefRange.Start.Line)
			}
			s.Timing = at.timing()
		case "boot":
			s.Boots = append(s.Boots, at.boot(&left))
		case "node":
			s.Faults = append(s.Faults, at.node()...)
		case "fault":
			s.Faults = append(s.Faults, at.fault(b)...)
		}
	}
	return s
}

var scenarioBlocks = map[string]*hcl.BodySchema{
	"capacity": capacityBody, "drain": drainBody, "timing": timingBody, "boot": bootBody, "node": nodeBody, "fault": faultBody,
}

// firstOf is the index of the first block of a type.
func firstOf(all hcl.Blocks, kind string) int {
	for n, b := range all {
		if b.Type == kind {
			return n
		}
	}
	return -1
}

func (c *scenarioBlock) capacity(b *hcl.Block) ec2sim.Supply {
	s := ec2sim.Supply{Type: b.Labels[0], Zone: b.Labels[1]}
	c.x.pattern(b.LabelRanges[0], "instance type", s.Type, ec2sim.Types())
	if s.Zone == "" || !strings.ContainsAny(s.Zone[len(s.Zone)-1:], "abc*?") {
		c.x.errorf(b.LabelRanges[1], "No such zone", "The zones of an embedded region end in a, b and c, such as us-east-1a; %q is none of them. * stands for any text.", s.Zone)
	}
	s.Every, _ = c.duration("every")
	if n, ok := c.whole("count", maxCount); ok {
		s.Steps = append(s.Steps, ec2sim.Step{Count: n})
	}
	last, placed := time.Duration(0), c.has("count")
	for _, b := range c.blocks {
		in := c.x.open(b.Body, stepBody, b.DefRange)
		in.needs("at", "count")
		count, _ := in.whole("count", maxCount)
		at, ok := in.offset("at")
		switch {
		case !ok:
			continue
		case placed && at <= last:
			c.x.errorf(in.place("at"), "Steps out of order", "This step is at %s, and the one before it at %s. Write them in the order of time.", brieflyTimed(at), brieflyTimed(last))
		case s.Every > 0 && at >= s.Every:
			c.x.errorf(in.place("at"), "Step never reached", "The steps begin anew every %s, and this one is at %s.", brieflyTimed(s.Every), brieflyTimed(at))
		}
		s.Steps, last, placed = append(s.Steps, ec2sim.Step{At: at, Count: count}), at, true
	}
	if !c.has("count") && len(c.blocks) == 0 {
		c.missing("No count", "The block does not say what the pools hold. Add count = 0, or steps: step { at = \"10m\" count = 0 }.")
	}
	return s
}

// maxCount is more instances than anybody has.
const maxCount = 1_000_000

func (c *scenarioBlock) drain(b *hcl.Block) ec2sim.Drain {
	d := ec2sim.Drain{Action: b.Labels[0]}
	c.x.pattern(b.LabelRanges[0], "action", d.Action, ec2sim.Actions())
	d.Requests, _ = c.number("requests", 1e6)
	d.Instances, _ = c.number("instances", 1e6)
	if !c.has("requests") && !c.has("instances") {
		c.missing("Nothing drained", "The block does not say what others take. Add requests = 1, or instances = 1, a second.")
	}
	d.From, d.To = c.span()
	every, ok := c.duration("every")
	switch {
	case !ok:
	case every < time.Second:
		c.x.errorf(c.place("every"), "Invalid every", "It is %s, and must be at least 1s.", brieflyTimed(every))
	case !c.has("to"):
		c.x.errorf(c.place("every"), "Drain without an end", "What comes again every %s has to end in between: add to.", brieflyTimed(every))
	case d.To-d.From > every:
		c.x.errorf(c.place("every"), "Drain without a pause", "It lasts %s, and begins again after %s.", brieflyTimed(d.To-d.From), brieflyTimed(every))
	default:
		d.Every = every
	}
	return d
}

func (c *scenarioBlock) timing() ec2sim.Timing {
	var t ec2sim.Timing
	for name, to := range map[string]*ec2sim.Range{
		"pending": &t.Pending, "visible": &t.Visible, "devices": &t.Devices, "shutting_down": &t.ShuttingDown, "stopping": &t.Stopping, "starting": &t.Starting,
	} {
		*to, _ = c.between(name)
	}
	for name, to := range map[string]*time.Duration{"checks": &t.Checks, "listed": &t.Listed, "run_instances": &t.RunInstances, "call": &t.Call} {
		*to, _ = c.duration(name)
	}
	return t
}

func (c *scenarioBlock) boot(left *float64) (b ec2sim.Boot) {
	c.needs("share", "time")
	b.Takes, _ = c.between("time")
	share, ok := c.share()
	if !ok {
		return b
	}
	if *left -= share; *left < -1e-9 {
		c.x.errorf(c.place("share"), "More than all instances", "The shares of the boot blocks up to here are %.4g together, and can be at most 1.", 1-*left)
		return b
	}
	b.Share = share
	return b
}

// node decodes what happens to some of the instances.
func (c *scenarioBlock) node() []ec2sim.Fault {
	var f ec2sim.Fault
	f.Dies, _ = c.code("dies")
	f.Message, _ = c.text("message")
	f.After, _ = c.between("after")
	f.Stuck, _ = c.flag("stuck")
	f.Impaired, _ = c.flag("impaired")
	f.From, f.To = c.span()
	f.Instances = c.numbers("numbers")
	f.Share, _ = c.share()
	c.alone("numbers", "share")
	c.needsOther("message", "dies")
	c.needsOther("after", "dies")
	kinds := 0
	for _, name := range []string{"dies", "stuck", "impaired"} {
		if c.has(name) {
			kinds++
		}
	}
	switch {
	case kinds == 0:
		c.missing("Nothing happens", `The block does not say what happens to the nodes. Add dies = "Server.InternalError", stuck = true, or impaired = true.`)
	case kinds > 1:
		c.missing("Too much happens", "A node block has one of dies, stuck and impaired. Write one block for each.")
	}
	if c.x.failed || f.Dies == "" && !f.Stuck && !f.Impaired {
		return nil
	}
	return []ec2sim.Fault{f}
}

// fault decodes what happens to some of the calls: one fault for each that is numbered.
func (c *scenarioBlock) fault(b *hcl.Block) (all []ec2sim.Fault) {
	f := ec2sim.Fault{Action: b.Labels[0]}
	c.x.pattern(b.LabelRanges[0], "action", f.Action, ec2sim.Actions())
	f.Code, _ = c.code("code")
	f.Message, _ = c.text("message")
	f.Done, _ = c.flag("done")
	f.LoseReply, _ = c.flag("lost")
	f.Slow, _ = c.duration("slow")
	f.From, f.To = c.span()
	f.Share, _ = c.share()
	calls := c.numbers("calls")
	c.alone("calls", "share")
	c.alone("code", "lost")
	c.needsOther("message", "code")
	c.needsOther("done", "code")
	if !c.has("code") && !c.has("lost") && !c.has("slow") {
		c.missing("Nothing happens", `The block does not say what happens to the calls. Add code = "InternalError", lost = true, or slow = "20s".`)
	}
	if c.x.failed || f.Code == "" && !f.LoseReply && f.Slow == 0 {
		return nil
	}
	if f.Code != "" && f.Message == "" {
		f.Message = fmt.Sprintf("The scenario has this call end with %s.", f.Code)
	}
	if len(calls) == 0 {
		return []ec2sim.Fault{f}
	}
	for _, n := range calls {
		f.Call = n
		all = append(all, f)
	}
	return all
}
