package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"cluster/fleet"
	"cluster/fleet/ami"

	"github.com/hashicorp/hcl/v2"
)

// report tells what went wrong: people on standard error, programs as JSON on standard output.
func (a *app) report(err error) {
	diags := diagnose(err)
	sortDiagnostics(diags)
	a.show(diags)
	// A verb that wrote its document has said everything in it.
	if a.format == document && err != nil && !a.out.used {
		docs := []diagDoc{}
		for _, d := range diags {
			docs = append(docs, newDiagDoc(d))
		}
		a.out.json(failureDoc{FormatVersion: formatVersion, Diagnostics: docs}, true)
	}
	if a.format == events && err != nil && a.stream == nil {
		a.startStream()
		a.stream.diagnostics(diags)
	}
}

// failureDoc is what a verb with --json writes if it cannot write its own document.
type failureDoc struct {
	FormatVersion string    `json:"format_version"`
	Diagnostics   []diagDoc `json:"diagnostics"`
}

// show writes diagnostics to standard error, and to the stream of events if there is one.
func (a *app) show(diags hcl.Diagnostics) {
	for _, d := range diags {
		a.err.diagnostic(d, a.sources)
	}
	if a.stream != nil {
		a.stream.diagnostics(diags)
	}
}

// diagnose turns an error into what a person should read: which wall was hit, on which line of the
// file, and what to do. Joined errors give one diagnostic each; some give none.
func diagnose(err error) hcl.Diagnostics {
	if err == nil || err == errChanges || err == errDiffers || err == errFindings || err == errInterrupted || err == errStopped {
		return nil
	}
	switch e := err.(type) {
	case *fileError:
		return e.diags
	case *usageError:
		return problem(hcl.Range{}, sentence(e.message), e.hint)
	case *refusedError:
		if e.quiet {
			return nil
		}
		return problem(hcl.Range{}, sentence(e.message), e.hint)
	case *commandError:
		if e.said {
			return nil
		}
		return problem(hcl.Range{}, sentence(e.Error()), "")
	case *ami.WordError:
		return problem(hcl.Range{}, sentence(e.Error()), "")
	case *ami.RefusedError:
		return problem(hcl.Range{}, sentence(e.Message), e.Hint)
	case *ami.BlockedError:
		return blockedBase(e)
	case *ami.FailedError:
		return failedImage(e)
	case *ami.ProvisionError:
		return provisionFailed(e)
	case *ami.ProbeError:
		return problem(hcl.Range{}, sentence(e.Error()), "The image has been removed again with its snapshots, and so its version is free. "+
			"What boots differently from the base is the work of the script: look for what it does to disks, boot loader and network.")
	case *fleet.ShortError:
		return short(e)
	case *fleet.IdentityError:
		return notIdentical(e)
	case *driftError:
		return drifted(e)
	case *unlikeError:
		return unlikeNodes(e)
	case *brokenError:
		return nil // the chain is on the screen
	case *fleet.CallError:
		return refusedCall(e)
	case *fleet.TimeoutError:
		return problem(e.At, fmt.Sprintf("Group %s is not up in time", e.Group), fmt.Sprintf(
			"%d of %d nodes ran after %s. What had come up of it has been given back; nodes of earlier runs stay.\n"+
				"launch { timeout = … } allows more time, launch { min = … } accepts fewer nodes.", e.Running, e.Want, e.Waited))
	case *fleet.GangError:
		return problem(hcl.Range{}, fmt.Sprintf("Group %s is given back", e.Group), fmt.Sprintf(
			"It goes together with group %s (launch { together = %q }), which did not come up. What this run had launched of it "+
				"is ended; nodes of earlier runs stay.", e.Because, e.Together))
	case *fleet.LostError:
		return problem(hcl.Range{}, fmt.Sprintf("Nodes of group %s were lost on the way up", e.Group), fmt.Sprintf(
			"%s, more than are made good. The last was %s: %s\n%s", plural(e.Lost, "node"), e.Node,
			clean(cmp.Or(e.Message, "EC2 gives no reason.")), cmp.Or(e.Cause.Advice, "If it happens again, the image does not start on this type.")))
	case *notReadyError:
		return notReady(e)
	case *stoppedRoll:
		return e.diags
	case *fleet.RollError:
		return nil // stoppedRoll says it
	case *fleet.ProtectedError:
		return problem(hcl.Range{}, "Instances are protected from termination", fmt.Sprintf(
			"%s: switch the protection off (aws ec2 modify-instance-attribute --no-disable-api-termination --instance-id …) "+
				"and run the same command again.", some(e.Instances, 5, "")))
	case *fleet.CredentialsError:
		return problem(hcl.Range{}, "No usable AWS credentials", sentence(e.Err.Error())+". Log in, set AWS_PROFILE, or use --rehearse.")
	case interface{ Unwrap() []error }:
		var all hcl.Diagnostics
		for _, one := range e.Unwrap() {
			all = append(all, diagnose(one)...)
		}
		return all
	}
	// What was wrapped on the way up still is what it was; the words around it are in its own Doing.
	if inner := errors.Unwrap(err); inner != nil && known(inner) {
		return diagnose(inner)
	}
	return problem(hcl.Range{}, sentence(err.Error()), "")
}

// known says whether diagnose has more to say of err than its text.
func known(err error) bool {
	return is[*fleet.CallError](err) || is[*commandError](err) || is[*driftError](err) || is[*unlikeError](err) || is[*fleet.ShortError](err) || is[*fleet.IdentityError](err) ||
		is[*fleet.TimeoutError](err) || is[*fleet.GangError](err) || is[*fleet.ProtectedError](err) || is[*fleet.LostError](err) || is[*fleet.CredentialsError](err) || is[*notReadyError](err) ||
		is[*ami.RefusedError](err) || is[*ami.WordError](err) || is[*ami.BlockedError](err) || is[*ami.FailedError](err) ||
		is[*ami.ProvisionError](err) || is[*ami.ProbeError](err) ||
		errors.Is(err, errInterrupted)
}

func problem(at hcl.Range, summary, detail string) hcl.Diagnostics {
	d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail}
	if at.Filename != "" {
		d.Subject = &at
	}
	return hcl.Diagnostics{d}
}

func notIdentical(e *fleet.IdentityError) hcl.Diagnostics {
	var b strings.Builder
	for i, m := range e.Verdict.Mismatched {
		if i == 10 {
			fmt.Fprintf(&b, "and %d more: cluster verify --json names them all.\n", len(e.Verdict.Mismatched)-i)
			break
		}
		b.WriteString("  " + mismatch(m) + "\n")
	}
	if e.Ended {
		b.WriteString("They were ended again: the nodes that they were to replace serve on.")
	} else {
		b.WriteString("Nothing else was touched. cluster plan shows what would put it right, and cluster up does it: it replaces these nodes and no other.")
	}
	return problem(hcl.Range{}, fmt.Sprintf("Not identical: %s", plural(len(e.Verdict.Mismatched), "finding")), b.String())
}

func refusedCall(e *fleet.CallError) hcl.Diagnostics {
	if c, ok := errors.AsType[*fleet.CredentialsError](e.Err); ok && e.Code == "" {
		return diagnose(c)
	}
	var b strings.Builder
	if e.Code == "" {
		fmt.Fprintf(&b, "%s had no answer: %s.", e.Action, clean(strings.TrimRight(unanswered(e.Err, e.Message), ".")))
	} else {
		fmt.Fprintf(&b, "%s was refused with %s: %s.", e.Action, e.Code, clean(strings.TrimRight(e.Message, ". \n")))
	}
	if e.Request != "" {
		fmt.Fprintf(&b, " (request %s)", e.Request)
	}
	if advice := fleet.Advice(e.Code); advice != "" {
		b.WriteString("\n" + advice)
	} else if e.Class == fleet.Transient {
		b.WriteString("\nEC2 or the network had trouble. Run the same command again: it goes on where it stopped.")
	}
	return problem(e.At, "Could not "+e.Doing, b.String())
}

// unanswered is why a call had no answer: what the network said, without the SDK's layers around it.
func unanswered(err error, otherwise string) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Sprintf("%s: %v", u.URL, u.Err)
	}
	return cmp.Or(otherwise, fmt.Sprint(err))
}

// sentence starts with a capital, as a diagnostic's summary does, and has no line break.
func sentence(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return clean(string(unicode.ToUpper(r)) + s[n:])
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// some lists the first most items, and says how many more there are and how to see them.
func some(items []string, most int, how string) string {
	if len(items) <= most {
		return strings.Join(items, ", ")
	}
	more := fmt.Sprintf(" and %d more", len(items)-most)
	if how != "" {
		more += " (" + how + ")"
	}
	return strings.Join(items[:most], ", ") + more
}
