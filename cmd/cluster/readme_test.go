package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cluster/spec"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// program runs the program in this process, with a rehearsal and a copy of the examples in dir, and returns
// all that it wrote to either stream. Lock files are written next to the copies.
func program(t *testing.T, dir string, args ...string) (output string, code int) {
	t.Helper()
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "examples")); err != nil {
		if err := os.CopyFS(filepath.Join(dir, "examples"), os.DirFS(filepath.Join("..", "..", "examples"))); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	f, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	code = newApp(null, f, f, []string{"CLUSTER_REHEARSAL_DIR=" + dir, "HOME=" + dir}).run(args)
	t.Chdir(home)
	text, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

// blocks are the fenced blocks of the README in a language.
func blocks(text, language string) []string {
	var found []string
	for _, part := range strings.Split(text, "```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		found = append(found, block)
	}
	return found
}

// TestReadmeVerbs holds that the README has every verb, flag and exit code of the program, and no other verb.
func TestReadmeVerbs(t *testing.T) {
	text := readme(t)
	verbs := map[string]bool{}
	eachCommand(func(c *cobra.Command) {
		if c.HasParent() && !c.Hidden {
			name := strings.Fields(c.CommandPath())[1]
			verbs[name] = true
			if !strings.Contains(text, "`cluster "+name) && !strings.Contains(text, "`"+name+"`") {
				t.Errorf("the README lacks the verb %s", name)
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" || f.Name == "version" {
				return
			}
			if !strings.Contains(text, "--"+f.Name) {
				t.Errorf("the README lacks the flag --%s of %s", f.Name, c.CommandPath())
			}
		})
	})
	for _, m := range regexp.MustCompile("(?m)^\\| `cluster ([a-z]+)").FindAllStringSubmatch(text, -1) {
		if !verbs[m[1]] {
			t.Errorf("the README has the verb %s, and the program does not", m[1])
		}
	}
	for line := range strings.Lines(exitStatus) {
		if m := regexp.MustCompile(`^  (\d+) `).FindStringSubmatch(line); m != nil && !strings.Contains(text, "\n| "+m[1]+" | ") {
			t.Errorf("the README lacks the exit code %s", m[1])
		}
	}
}

// TestReadmeSession runs the commands of the README's transcript. Figures of time depend on how fast the
// computer is, and so does how many nodes one look finds running; all else is to the letter.
func TestReadmeSession(t *testing.T) {
	sessions := blocks(readme(t), "console")
	if len(sessions) == 0 {
		t.Fatal("the README has no transcript")
	}
	for _, session := range sessions {
		dir := t.TempDir()
		for _, step := range strings.Split(session, "$ cluster ")[1:] {
			command, want, _ := strings.Cut(step, "\n")
			got, code := program(t, dir, strings.Fields(command)...)
			if code != exitDone {
				t.Errorf("cluster %s: exit %d", command, code)
			}
			if timeless(got) != timeless(want) {
				t.Errorf("cluster %s: the program says\n%s\nand the README\n%s", command, got, want)
			}
		}
	}
}

var (
	wallTime  = regexp.MustCompile(`\d+ s\b`)
	ids       = regexp.MustCompile(`\bi-[0-9a-f]{17}\b`)
	partly    = regexp.MustCompile(`(?m)^ *N s  \w+: (\d+ of \d+ running|\d+ terminated).*\n`)
	callCount = regexp.MustCompile(`\d+ API calls`)
)

// timeless is output without what a slow computer would change.
func timeless(s string) string {
	s = wallTime.ReplaceAllString(s, "N s")
	s = partly.ReplaceAllString(s, "")
	s = ids.ReplaceAllString(s, "i-N")
	s = callCount.ReplaceAllString(s, "N API calls")
	return regexp.MustCompile(`(?m)^ +N s`).ReplaceAllString(s, "N s")
}

// TestExamples holds that every example is laid out canonically, is right, and can be planned in rehearsal
// as it stands; an image file, built.
func TestExamples(t *testing.T) {
	root := filepath.Join("..", "..", "examples")
	var files []string
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".hcl") && !isLock(path) {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		name, _ := filepath.Rel(filepath.Join("..", ".."), path)
		t.Run(name, func(t *testing.T) {
			if out, code := program(t, t.TempDir(), "fmt", "--check", "--diff", name); code != exitDone {
				t.Errorf("not in canonical layout:\n%s", out)
			}
			if strings.HasSuffix(name, ".vars.hcl") {
				return
			}
			if spec.IsImageFile(path) {
				out, code := program(t, t.TempDir(), "image", "build", "--rehearse", "--speed", "1000", "--yes", name)
				if code != exitDone || !strings.Contains(out, ": built from ami-") {
					t.Errorf("build: exit %d\n%s", code, out)
				}
				return
			}
			inputs := [][]string{nil}
			if others, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*.vars.hcl")); len(others) > 0 {
				inputs = nil
				for _, o := range others {
					o, _ = filepath.Rel(filepath.Join("..", ".."), o)
					inputs = append(inputs, []string{"--var-file", o})
				}
			}
			for _, in := range inputs {
				if out, code := program(t, t.TempDir(), slices.Concat([]string{"validate", name}, in)...); code != exitDone {
					t.Errorf("validate %v: exit %d\n%s", in, code, out)
				}
				out, code := program(t, t.TempDir(), slices.Concat([]string{"plan", "--rehearse", "--detailed-exitcode", name}, in)...)
				if code != exitChanges || !strings.Contains(out, "to launch") {
					t.Errorf("plan %v: exit %d\n%s", in, code, out)
				}
			}
		})
	}
	if n := len(files); n < 8 {
		t.Errorf("only %d examples were found", n)
	}
}

// TestQuickstart holds that the quickstart is as short as the README promises, names nothing of any account,
// and is the file that the README shows.
func TestQuickstart(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "..", "examples", "quickstart.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(file), "\n"); n > 15 {
		t.Errorf("the quickstart has %d lines, want at most 15", n)
	}
	if id := regexp.MustCompile(`\b(ami|subnet|sg|vpc)-[0-9a-f]{8,}|\b\d{12}\b`).Find(file); id != nil {
		t.Errorf("the quickstart names %s", id)
	}
	shown := blocks(readme(t), "hcl")[0]
	if !strings.HasSuffix(string(file), shown) {
		t.Errorf("the README shows another file:\n%s", shown)
	}
}

// TestReadmeWhen holds that the answers of "What happens when…" come from tests: each names a script that
// checks the exit code it gives, and each line of output is in a golden file of that script, or is what one
// of its patterns matches for the most part.
func TestReadmeWhen(t *testing.T) {
	_, section, _ := strings.Cut(readme(t), "\n## What happens when…\n")
	section, _, _ = strings.Cut(section, "\n## ")
	answers := strings.Split(section, "\n**… ")[1:]
	if len(answers) < 10 {
		t.Fatalf("only %d answers were found", len(answers))
	}
	head := regexp.MustCompile(`^(.*\?)\*\* \(\[\w+\]\(testdata/script/(\w+)\.txtar\), exit (\d+)\)`)
	for _, answer := range answers {
		m := head.FindStringSubmatch(answer)
		if m == nil {
			t.Errorf("no script and exit code in: %.60s", answer)
			continue
		}
		for _, link := range regexp.MustCompile(`\(testdata/script/\w+\.txtar\)`).FindAllString(answer, -1) {
			if _, err := os.Stat(filepath.Join("..", "..", strings.Trim(link, "()"))); err != nil {
				t.Errorf("%s: %v", m[1], err)
			}
		}
		script, err := os.ReadFile(filepath.Join("..", "..", "testdata", "script", m[2]+".txtar"))
		if err != nil {
			t.Errorf("%s: %v", m[1], err)
			continue
		}
		if exit := regexp.MustCompile(`(?m)^(exits|interrupted|atonce) [\d,|]*\b` + m[3] + `\b`); m[3] != "0" && !exit.Match(script) {
			t.Errorf("%s: the script %s waits for no exit code %s", m[1], m[2], m[3])
		}
		shown := blocks(answer, "text")
		if len(shown) == 0 {
			t.Errorf("%s: no output is shown", m[1])
		}
		for _, block := range shown {
			for line := range strings.Lines(block) {
				if line = strings.TrimRight(line, "\n"); !waitedFor(t, string(script), line) {
					t.Errorf("%s: the script %s does not wait for the line\n%s", m[1], m[2], line)
				}
			}
		}
	}
}

// TestReadmeImages holds that the commands of the chapter on images are those of its script.
func TestReadmeImages(t *testing.T) {
	_, section, _ := strings.Cut(readme(t), "\n## Images\n")
	section, _, _ = strings.Cut(section, "\n## ")
	script, err := os.ReadFile(filepath.Join("..", "..", "testdata", "script", "image_story.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	played := strings.ReplaceAll(string(script), " --speed 1000", "")
	commands := regexp.MustCompile("(?m)^\\| `(cluster .*?)`").FindAllStringSubmatch(section, -1)
	if len(commands) < 10 {
		t.Fatalf("only %d commands were found", len(commands))
	}
	for _, m := range commands {
		if !regexp.MustCompile(`(?m)^(exec|exits \d+) ` + regexp.QuoteMeta(m[1]) + `$`).MatchString(played) {
			t.Errorf("the script image_story does not run: %s", m[1])
		}
	}
}

// waitedFor tells whether a script has a line in a golden file, or a pattern that matches more than half of it.
func waitedFor(t *testing.T, script, line string) bool {
	t.Helper()
	commands, files, _ := strings.Cut(script, "\n-- ")
	if strings.Contains(files, "\n"+line+"\n") {
		return true
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:stdout|stderr|grep)(?: -count=\d+)? '(.*)'`).FindAllStringSubmatch(commands, -1) {
		pattern, err := regexp.Compile("(?m)" + m[1])
		if err != nil {
			t.Fatal(err)
		}
		if 2*len(pattern.FindString(line)) > len(strings.TrimSpace(line)) {
			return true
		}
	}
	return false
}
