package slurm

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"cluster/spec/hostlist"
)

// A Command is the arguments of one call of scontrol.
type Command []string

// maxNames is how many nodes one command is about: the lists that go with them make long lines.
const maxNames = 100

// Fail is what Slurm is told of nodes that could not be had: down with the reason, which requeues their jobs, and then
// that they are off, so that they can be asked for again. Without the second Slurm would write a reason of its own over
// ours and never use the nodes again.
func Fail(nodes []string, reason string) []Command {
	return append(update(nodes, "state=down", "reason="+reason), update(nodes, "state=power_down_force")...)
}

// PowerDown has Slurm call its SuspendProgram for nodes, whatever runs on them.
func PowerDown(nodes []string) []Command { return update(nodes, "state=power_down_force") }

// PowerUp has Slurm take nodes for running ones.
func PowerUp(nodes []string) []Command { return update(nodes, "state=power_up") }

func update(nodes []string, settings ...string) (commands []Command) {
	for batch := range slices.Chunk(nodes, maxNames) {
		commands = append(commands, append(Command{"update", "nodename=" + hostlist.Fold(batch)}, settings...))
	}
	return commands
}

// A Place is where a node of Slurm's is.
type Place struct {
	Node    string
	Address string
	Host    string // its own name; empty: not known
}

// Places tells Slurm where nodes are.
func Places(places []Place) (commands []Command) {
	places = slices.SortedFunc(slices.Values(places), func(a, b Place) int { return hostlist.Compare(a.Node, b.Node) })
	for batch := range slices.Chunk(places, maxNames) {
		var nodes, addresses, hosts []string
		for _, p := range batch {
			nodes, addresses, hosts = append(nodes, p.Node), append(addresses, p.Address), append(hosts, cmp.Or(p.Host, p.Address))
		}
		// Both lists in the order in which Slurm expands the first.
		commands = append(commands, Command{"update", "nodename=" + strings.Join(nodes, ","),
			"nodeaddr=" + strings.Join(addresses, ","), "nodehostname=" + strings.Join(hosts, ",")})
	}
	return commands
}

// Tell is how a job and who waits for it are told something: a message where the job was started from, and a comment
// that scontrol show job and the accounting have.
func Tell(job int, text string) []Command {
	id := strconv.Itoa(job)
	return []Command{{"notify", id, text}, {"update", "jobid=" + id, "admincomment=" + text}}
}

// maxReason is how much of a reason is told: sinfo -R has room for a line.
const maxReason = 240

// Reason is why nodes could not be had, as Slurm is told it: the code of the error first, in the form that
// ParallelCluster has given it.
func Reason(code, text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '"' || r == '\'':
			return -1
		case unicode.IsSpace(r) || !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if code != "" {
		text = fmt.Sprintf("(Code:%s) %s", code, text)
	}
	if r := []rune(text); len(r) > maxReason {
		text = string(r[:maxReason-1]) + "…"
	}
	return text
}
