package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cluster/fleet"
	"cluster/planner"
	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
)

// What run does when a node is lost while the command runs.
const (
	lossTell = "tell" // say so, and let the command go on
	lossEnd  = "end"  // end the command
)

// A jobWatch tells of nodes that are lost while a command runs on the cluster.
type jobWatch struct {
	run   *run
	nodes []planner.Instance // that came up
	end   chan string        // gets why the command is to end; nil: it goes on
	watch *fleet.Watch       // nil: it has not begun
	lost  []fleet.Loss
}

// newJobWatch makes one that has the command end with the first loss, or only tells.
func newJobWatch(r *run, end bool) *jobWatch {
	w := &jobWatch{run: r}
	if end {
		w.end = make(chan string, 1)
	}
	return w
}

// checkLoss checks the word of --node-loss.
func checkLoss(word string) error {
	if word == lossTell || word == lossEnd {
		return nil
	}
	e := &usageError{message: fmt.Sprintf("--node-loss is %s or %s, not %q", lossTell, lossEnd, word), hint: "tell lets the command go on, end ends it."}
	if near := spec.Nearest(word, []string{lossTell, lossEnd}); near != "" {
		e.hint = fmt.Sprintf("Did you mean --node-loss %s?", near)
	}
	return e
}

// begin has the nodes watched until stop is called.
func (w *jobWatch) begin(ctx context.Context) (stop func()) {
	// What a signal does is the command's business now; the watch goes on until the command has ended.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	l, err := w.run.connect(ctx, w.run.want)
	if err != nil {
		cancel()
		w.blind(err)
		return func() {}
	}
	w.watch = l.Session.Watch(w.run.want.Name, w.nodes)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.watch.Until(ctx, w.tell, w.blind)
	}()
	return func() {
		cancel()
		<-done
		l.close()
	}
}

// blind says that nobody knows how the nodes are.
func (w *jobWatch) blind(err error) {
	w.run.err.printf("%s: cannot look at the nodes, the command goes on: %s\n", w.run.want.Name, err)
}

// tell says which nodes are lost, and has the command end where that was asked for.
func (w *jobWatch) tell(gone []fleet.Loss) {
	w.note(gone)
	if w.end != nil && len(w.lost) == len(gone) {
		what := gone[0].Node + " was lost"
		if n := len(gone); n > 1 {
			what = fmt.Sprintf("%s were lost", plural(n, "node"))
		}
		w.end <- what
	}
}

func (w *jobWatch) note(gone []fleet.Loss) {
	for _, g := range gone {
		w.run.err.printf("%s: %s is lost: %s %s\n", w.run.want.Name, g.Node, g.Instance, g.Message)
	}
	w.lost = append(w.lost, gone...)
}

// lastLook takes in the look with which the cluster is ended, or kept.
func (w *jobWatch) lastLook(seen []planner.Instance) {
	if w.watch != nil {
		w.note(w.watch.Missing(seen))
	}
}

// sum is the last word on the nodes that were lost: which, when and why, and what can be done about it.
func (w *jobWatch) sum(command string) hcl.Diagnostics {
	if len(w.lost) == 0 {
		return nil
	}
	var b strings.Builder
	advised := map[string]bool{}
	var advice []string
	for _, g := range w.lost {
		fmt.Fprintf(&b, "%s (%s), seen at %s: %s\n", g.Node, g.Instance, g.Seen.UTC().Format(time.RFC3339), g.Message)
		if a := g.Cause.Advice; a != "" && !advised[a] {
			advised[a] = true
			advice = append(advice, a)
		}
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagWarning,
		Summary:  fmt.Sprintf("%s lost while %s ran", plural(len(w.lost), "node"), command),
		Detail:   b.String() + strings.Join(advice, "\n"),
	}}
}
