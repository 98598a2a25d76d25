package ec2sim

import (
	"strings"
	"time"
)

// Bucket is a token bucket: Size tokens at most, Refill of them back in a second.
type Bucket struct{ Size, Refill float64 }

// Limits is the account's token buckets. The zero value has the buckets of a new account.
//
// Request has a bucket for each action, charged one token a request, and Resource one for a few actions,
// charged one token an instance. A key is an action, or one of the categories "describe", "unfiltered"
// (describing with neither ids nor filter nor page) and "mutating", whose bucket every other action has a
// copy of. What is given here replaces the default of the same key.
type Limits struct {
	Off      bool
	Request  map[string]Bucket
	Resource map[string]Bucket

	Refund  bool // a launch that fails for capacity gives its resource tokens back; on EC2 it does not seem to
	Partial bool // a launch of more than there are tokens for is cut down towards MinCount, not refused
}

// defaultRequests is what a new account has. Only "describe" and the refill of RunInstances are certain:
// the others are remembered from AWS's table, and an account's own are under Service Quotas.
var defaultRequests = map[string]Bucket{
	"describe":     {100, 20},
	"unfiltered":   {50, 10},
	"mutating":     {50, 5},
	"RunInstances": {5, 2}, "StartInstances": {5, 2}, "TerminateInstances": {100, 5},
	"CreateTags": {100, 10}, "DeleteTags": {100, 10},
	"EnableImageBlockPublicAccess": {1, 0.1}, "DisableImageBlockPublicAccess": {1, 0.1}, "CreateLaunchTemplateVersion": {100, 5},
	"CopyImage": {100, 1}, "ModifyImageAttribute": {100, 5}, "ModifySnapshotAttribute": {100, 5}, "DeleteSnapshot": {100, 5},
}

var defaultResources = map[string]Bucket{
	"RunInstances": {1000, 2}, "StartInstances": {1000, 2},
	"TerminateInstances": {1000, 20}, "StopInstances": {1000, 20},
}

// level is how many tokens a bucket held at a time.
type level struct {
	Tokens float64
	At     time.Time
}

// take takes n tokens from a bucket of the world, if it has them. It returns what it held.
func (w *world) take(key string, b Bucket, n float64) (held float64, ok bool) {
	l := w.Buckets[key]
	if l == nil {
		l = &level{Tokens: b.Size, At: w.now}
		if p := w.r.s.Play; p != nil {
			l.At = p.Start // others may have been at it since
		}
		w.Buckets[key] = l
	}
	kind, action, _ := strings.Cut(key, "/")
	action, _, _ = strings.Cut(action, "/")
	w.flow(l, b, action, func(d Drain) float64 {
		if kind == "resource" {
			return d.Instances
		}
		return d.Requests
	})
	// A hair of tolerance, so that waiting for exactly one token's time is long enough.
	const hair = 1e-6
	if held = l.Tokens; held+hair < n {
		return held, false
	}
	l.Tokens -= n
	return held, true
}

// chargeRequest takes the request's token.
func (w *world) chargeRequest(c *Call) error {
	if w.r.o.Limits.Off {
		return nil
	}
	key := c.Action
	b, ok := overlaid(w.r.o.Limits.Request, defaultRequests, key)
	if !ok {
		category := "mutating"
		if describes(c.Action) {
			category = "describe"
			if strings.HasPrefix(c.Action, "Describe") && unfiltered(c) {
				category, key = "unfiltered", key+"/unfiltered"
			}
		}
		b, _ = overlaid(w.r.o.Limits.Request, defaultRequests, category)
	}
	if _, ok := w.take("request/"+key, b, 1); !ok {
		return w.throttled("request rate")
	}
	return nil
}

// chargeInstances takes one token for each of want instances, or for as many of them as are granted: never
// fewer than least.
func (w *world) chargeInstances(least, want int) (granted int, err error) {
	b, ok := overlaid(w.r.o.Limits.Resource, defaultResources, w.call.Action)
	if !ok || w.r.o.Limits.Off {
		return want, nil
	}
	key := "resource/" + w.call.Action
	held, ok := w.take(key, b, float64(want))
	if ok {
		return want, nil
	}
	if part := int(held); w.r.o.Limits.Partial && part >= least {
		w.take(key, b, float64(part))
		return part, nil
	}
	return 0, w.throttled("resource rate")
}

// refund gives tokens back for instances that did not come to be.
func (w *world) refund(n int) {
	if l := w.Buckets["resource/"+w.call.Action]; l != nil && w.r.o.Limits.Refund {
		l.Tokens += float64(n)
	}
}

func (w *world) throttled(what string) error {
	return fail("RequestLimitExceeded", "Request limit exceeded. Account %s has been throttled on ec2:%s because it exceeded its %s limit.",
		w.account(), w.call.Action, what)
}

func overlaid(own, defaults map[string]Bucket, key string) (Bucket, bool) {
	if b, ok := own[key]; ok {
		return b, true
	}
	b, ok := defaults[key]
	return b, ok
}

// unfiltered tells a description of everything at once, for which EC2 has fewer tokens.
func unfiltered(c *Call) bool {
	for k := range c.Params {
		if k != "DryRun" && !isEnvelope(k) {
			return false
		}
	}
	return true
}
