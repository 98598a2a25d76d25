package main

import (
	"fmt"
	"strings"

	"cluster/spec"

	"github.com/spf13/cobra"
)

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate FILE",
		Short: "Check a cluster file or an image file, offline",
		Long: `Check a cluster file, or an image file, without calling anybody. All mistakes
are shown at once, each with its place in the file and, where there is a near
word, a suggestion. What only EC2 knows, such as whether an image exists, is
checked by plan. The lock file next to a cluster file is checked along, or by
itself if it is named.

EXIT STATUS
  0    the file is right
  64   the command line or the file is wrong`,
		Args: oneFile,
		RunE: func(_ *cobra.Command, args []string) error { return a.validate(args[0]) },
	}
}

func (a *app) validate(path string) error {
	if isLock(path) {
		return a.validateLock(path)
	}
	if spec.IsImageFile(path) {
		m, err := a.loadBuild(path)
		if err != nil {
			return err
		}
		a.out.printf("%s is valid: image %s %s\n", slash(path), m.Family, m.Version)
		return nil
	}
	want, err := a.load(path)
	if err != nil {
		return err
	}
	if _, err := a.readLock(path); err != nil {
		return err
	}
	a.out.printf("%s is valid: cluster %s, %s\n", slash(path), want.Name, population(want))
	return nil
}

// population says how many nodes a cluster is to have, by group: "65 nodes (1 head, 64 compute)".
func population(want *spec.Cluster) string {
	total := 0
	var parts []string
	for _, g := range want.Groups {
		total += g.Count
		most := ""
		if g.Slurm.Burst {
			most = "at most "
		}
		parts = append(parts, fmt.Sprintf("%s%d %s", most, g.Count, g.Name))
	}
	if len(parts) == 0 {
		return plural(total, "node")
	}
	return fmt.Sprintf("%s (%s)", plural(total, "node"), strings.Join(parts, ", "))
}
