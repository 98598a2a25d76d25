package main

import (
	"os"
	"path/filepath"

	"cluster/fleet/slurm"
)

func main() {
	os.Exit(newApp(os.Stdin, os.Stdout, os.Stderr, os.Environ()).run(commandLine(os.Args)))
}

// commandLine is what follows the program's name. Slurm knows it by other names, since it gives the programs that it
// starts nothing to say what they are to do.
func commandLine(argv []string) []string {
	verbs := map[string]string{slurm.ResumeProgram: "resume", slurm.SuspendProgram: "suspend"}
	if verb, ok := verbs[filepath.Base(argv[0])]; ok {
		return append([]string{"slurm", verb}, argv[1:]...)
	}
	return argv[1:]
}
