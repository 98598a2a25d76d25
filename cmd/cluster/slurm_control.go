package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"cluster/fleet/slurm"
)

// control talks to Slurm.
type control struct {
	s   *slurmSettings
	log *printer
}

// controlPatience is how long one command may take. slurmctld answers in milliseconds, unless it cannot resolve a name.
const controlPatience = 30 * time.Second

// run gives Slurm commands, all of them, and says how many it did not take.
func (c control) run(ctx context.Context, commands []slurm.Command) (refused int) {
	for _, command := range commands {
		if _, err := c.ask(ctx, command...); err != nil {
			refused++
			c.log.printf("%v\n", err)
		}
	}
	return refused
}

// ask runs scontrol, an interrupt notwithstanding: what is known now is not known later.
func (c control) ask(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), controlPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.s.Scontrol, args...)
	cmd.Env = []string{"SLURM_CONF=" + c.s.conf, "LC_ALL=C"}
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("scontrol %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}
