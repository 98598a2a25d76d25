package spec

import (
	"fmt"
	"slices"
	"strings"
)

// maxSuggest is the longest name that is worth comparing with others.
const maxSuggest = 64

// didYouMean is a sentence, with a space before it, that names the candidate next to the
// given word; it is empty if none is near.
func didYouMean(given string, candidates []string) string {
	return didYouMeanAs(given, candidates, `"`, `"`)
}

// didYouMeanAs is didYouMean with the candidate written between before and after.
func didYouMeanAs(given string, candidates []string, before, after string) string {
	if c, ok := closest(given, candidates); ok {
		return fmt.Sprintf(" Did you mean %s%s%s?", before, c, after)
	}
	return ""
}

// Nearest is the candidate that somebody may have meant who wrote given, for a "did you mean"; empty
// if none is near.
func Nearest(given string, candidates []string) string {
	c, _ := closest(given, candidates)
	return c
}

// closest finds the candidate with the smallest edit distance to given, the first of equals.
// The distance must be at most 2, or a third of the word for long ones, and something of the
// word must be left.
func closest(given string, candidates []string) (string, bool) {
	if given == "" || len(given) > maxSuggest {
		return "", false
	}
	g := []rune(strings.ToLower(given))
	limit := max(2, len(g)/3)
	best, found := "", false
	for _, c := range candidates {
		if len(c) > maxSuggest || c == given {
			continue
		}
		r := []rune(strings.ToLower(c))
		if d := distance(g, r); d <= limit && d < max(len(g), len(r)) && d < len(r) {
			best, found, limit = c, true, d-1
		}
	}
	return best, found
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn
// a into b.
func distance(a, b []rune) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// list writes words as "a", "b" or "c".
func list(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", w)
	}
	return join(quoted, "or")
}

// join writes words as a, b or c.
func join(words []string, last string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	n := len(words) - 1
	return strings.Join(words[:n], ", ") + " " + last + " " + words[n]
}

// plural is "1 word" or "n words".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// article is a word with a or an before it.
func article(word string) string {
	if word == "ssh" || word != "" && strings.ContainsRune("aeiou", rune(word[0])) {
		return "an " + word
	}
	return "a " + word
}

// sortedKeys are the keys of a map, sorted, so that no order of maps ever shows.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
