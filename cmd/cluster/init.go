package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

// starter is the file that init writes. It works in rehearsal as it is.
//
//go:embed starter.hcl
var starter []byte

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write a commented cluster file that works in rehearsal",
		Long: `Write a commented cluster file to start from; the default is cluster.hcl. It
works in rehearsal as it is. A file that exists is never overwritten.

EXIT STATUS
  0    written
  1    the file could not be written
  5    refused: the file exists`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return &usageError{message: "init takes one file name", hint: helpHint(c)}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			path := "cluster.hcl"
			if len(args) == 1 {
				path = args[0]
			}
			return a.init(path)
		},
	}
}

func (a *app) init(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return &refusedError{message: fmt.Sprintf("init overwrites nothing, and %s exists", slash(path)), hint: "Name another file: cluster init FILE."}
	}
	if err != nil {
		return fmt.Errorf("write a cluster file: %w", err)
	}
	_, err = f.Write(starter)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write a cluster file: %w", err)
	}
	a.out.printf("%s is written. Next: cluster plan %s --rehearse\n", slash(path), shellWord(path))
	return nil
}
