package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cluster/spec"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"
)

func (a *app) fmtCommand() *cobra.Command {
	var check, diff bool
	c := &cobra.Command{
		Use:   "fmt [--check] [--diff] [FILE...]",
		Short: "Put cluster files into canonical layout",
		Long: `Rewrite cluster files in canonical layout and print the names of those that
changed. Without a file, all *.hcl files of the current folder; with - as the
file, standard input to standard output. The meaning of a file never changes,
and one with a syntax error is left alone.

EXIT STATUS
  0    done; with --check: every file is in canonical layout
  1    --check: a file is not; or a file could not be written
  64   a file cannot be read or has a syntax error`,
		RunE: func(_ *cobra.Command, args []string) error { return a.fmt(args, check, diff) },
	}
	c.Flags().BoolVar(&check, "check", false, "write nothing; exit 1 if a file is not in canonical layout")
	c.Flags().BoolVar(&diff, "diff", false, "write nothing; show what would change as a unified diff")
	return c
}

func (a *app) fmt(paths []string, check, diff bool) error {
	if len(paths) == 0 {
		found, err := filepath.Glob("*.hcl")
		if err != nil || len(found) == 0 {
			return &usageError{message: "no *.hcl file in this folder", hint: "Name the files, or - for standard input."}
		}
		paths = found
	}
	a.sources = spec.Sources{}
	var diags hcl.Diagnostics
	var failures []error
	differs := false
	for _, path := range paths {
		changed, err := a.fmtFile(path, check, diff)
		if wrong, ok := errors.AsType[*fileError](err); ok {
			diags = append(diags, wrong.diags...)
		} else if err != nil {
			failures = append(failures, err)
		}
		differs = differs || changed
	}
	if diags.HasErrors() {
		failures = append(failures, &fileError{diags})
	}
	if check && differs {
		failures = append(failures, errDiffers)
	}
	return errors.Join(failures...)
}

// fmtFile does what fmt was asked to do with one file, and says whether its layout differs.
func (a *app) fmtFile(path string, check, diff bool) (changed bool, err error) {
	name, src, err := a.read(path)
	if err != nil {
		return false, err
	}
	out, diags := spec.Format(src, name)
	if diags.HasErrors() {
		a.sources[name] = &hcl.File{Bytes: src}
		return false, &fileError{diags}
	}
	changed = !bytes.Equal(src, out)
	stdin := path == "-"
	if diff && changed {
		a.out.Write(unified(slash(name), src, out))
	}
	switch {
	case stdin && !check && !diff:
		a.out.Write(out)
	case changed && !diff && !stdin:
		a.out.printf("%s\n", slash(path))
	}
	if !changed || check || diff || stdin {
		return changed, nil
	}
	return changed, replaceFile(path, out, 0o666)
}

// read reads a file, or standard input for the path -.
func (a *app) read(path string) (name string, src []byte, err error) {
	if path == "-" {
		src, err = io.ReadAll(a.in)
		name = "<stdin>"
	} else {
		src, err = os.ReadFile(path)
		name = path
	}
	if err != nil {
		err = &fileError{problem(hcl.Range{}, "Cannot read the file", err.Error()+".")}
	}
	return name, src, err
}

// replaceFile writes a file anew by a rename, so that whoever reads it sees the old text or the new
// and never half of it. mode is that of a new file. What is no file, a pipe or a device, is written into.
func replaceFile(path string, content []byte, mode os.FileMode) error {
	err := replace(path, content, mode)
	// The name of the temporary file says nothing to anybody.
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", slash(path), err)
	}
	return nil
}

func replace(path string, content []byte, mode os.FileMode) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real // the link stays a link
	}
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return os.WriteFile(path, content, mode)
		}
		mode = info.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".cluster-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
