package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeJobs holds that the chapter from cluster run to Slurm is taken from tests: each block stands below the name
// of a script, or of an example, that has its lines. A line of sh is run there, a line of text is waited for, and a
// line of hcl is in the file. Transcripts are held by TestReadmeSession.
func TestReadmeJobs(t *testing.T) {
	_, chapter, _ := strings.Cut(readme(t), "\n## From cluster run to Slurm\n")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	checked := map[string]int{}
	var sources []string // that the text above a block names
	for part, rest, more := "", chapter, true; more; {
		part, rest, more = strings.Cut(rest, "```")
		if named := sourcesIn(t, part); len(named) > 0 {
			sources = named
		}
		block, after, _ := strings.Cut(rest, "```")
		rest = after
		language, block, _ := strings.Cut(block, "\n")
		if language == "console" {
			continue
		}
		for line := range strings.Lines(block) {
			if line = strings.TrimRight(line, "\n"); strings.TrimSpace(line) == "" {
				continue
			}
			checked[language]++
			if !holds(t, sources, language, line) {
				t.Errorf("none of the tests named above it has the line of %s: %s", language, line)
			}
		}
	}
	for language, least := range map[string]int{"sh": 8, "text": 30, "hcl": 8} {
		if checked[language] < least {
			t.Errorf("only %d lines of %s were found", checked[language], language)
		}
	}
}

// sourcesIn are the texts of the scripts and examples that a text links to.
func sourcesIn(t *testing.T, text string) (sources []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`\(((?:testdata/script|examples)/[\w/.-]+)\)`).FindAllStringSubmatch(text, -1) {
		b, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(m[1])))
		if err != nil {
			t.Errorf("the README links to what is not there: %v", err)
		}
		sources = append(sources, string(b))
	}
	return sources
}

// common is what scripts have and the README leaves out.
var common = regexp.MustCompile(` --(rehearse|yes|speed \d+)\b| timeout \d+\b`)

func holds(t *testing.T, sources []string, language, line string) bool {
	t.Helper()
	for _, source := range sources {
		switch language {
		case "sh":
			command := regexp.QuoteMeta(common.ReplaceAllString(line, ""))
			if regexp.MustCompile(`(?m)^(?:exec|exits \d+|interrupted \d+ \w+ \w+) ` + command + `$`).MatchString(common.ReplaceAllString(source, "")) {
				return true
			}
		case "hcl":
			if regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(strings.TrimSpace(line)) + `$`).MatchString(source) {
				return true
			}
		default:
			if waitedFor(t, source, line) {
				return true
			}
		}
	}
	return false
}
