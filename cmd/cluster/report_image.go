package main

import (
	"cmp"
	"fmt"
	"strings"

	"cluster/fleet/ami"

	"github.com/hashicorp/hcl/v2"
)

func blockedBase(e *ami.BlockedError) (all hcl.Diagnostics) {
	for _, b := range e.Blockers {
		all = append(all, problem(b.At, b.Summary, clean(b.Detail))...)
	}
	return all
}

func failedImage(e *ami.FailedError) hcl.Diagnostics {
	detail := clean(sentence(cmp.Or(e.Reason, "EC2 gives no reason"))) + "."
	if e.Gone {
		detail += "\nWhat there was of it has been removed, with its snapshots. The same command makes it anew."
	}
	return problem(hcl.Range{}, fmt.Sprintf("EC2 gave up the image %s in %s", e.Image.Text(), e.Region), detail)
}

func provisionFailed(e *ami.ProvisionError) hcl.Diagnostics {
	var b strings.Builder
	if len(e.Console) == 0 {
		b.WriteString("EC2 shows nothing of its console.\n")
	} else {
		b.WriteString("The last lines of its console:\n")
		for _, line := range e.Console {
			b.WriteString("  " + clean(line) + "\n")
		}
	}
	b.WriteString("No image was made.")
	return problem(hcl.Range{}, sentence(e.Error()), b.String())
}
