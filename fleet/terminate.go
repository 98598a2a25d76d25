package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cluster/planner"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

const terminateAtOnce = 1000 // instances a call, EC2's limit

// terminate asks EC2 to end instances, in as few calls as it allows, and returns how many it took
// on. What EC2 does not know is left out and not taken for gone: only a later look can tell. A
// *ProtectedError names those that may not be terminated; the others are taken on all the same.
func (s *Session) terminate(ctx context.Context, instances []planner.Instance) (taken int, err error) {
	todo := slices.Clone(instances)
	// One protected instance holds all of its zone back, so the zones of a call should be few.
	slices.SortFunc(todo, func(a, b planner.Instance) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), strings.Compare(a.ID, b.ID))
	})
	var protected []string
	for batch := range slices.Chunk(todo, terminateAtOnce) {
		n, kept, err := s.terminateBatch(ctx, idsOf(batch))
		taken += n
		protected = append(protected, kept...)
		if err != nil {
			return taken, err
		}
	}
	if len(protected) > 0 {
		slices.Sort(protected)
		return taken, &ProtectedError{Instances: protected}
	}
	return taken, nil
}

// terminateBatch makes the call and, where EC2 refuses it for some of the instances, makes it again
// without them: "if one is protected, all requested instances in its zone stay; an unknown one fails
// the whole call" (TerminateInstances, EC2 API Reference). EC2 names them in its message only; if
// it should ever not, the batch is halved until the call itself has told which they are.
func (s *Session) terminateBatch(ctx context.Context, ids []string) (taken int, protected []string, err error) {
	for len(ids) > 0 {
		r := request{action: "TerminateInstances", instances: len(ids), doing: fmt.Sprintf("terminate %d instances", len(ids))}
		_, err := call(ctx, s, r, s.EC2.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: ids})
		if err == nil {
			return taken + len(ids), protected, nil
		}
		e, cause := split(err)
		if cause != nil || e.Class != Stale && e.Code != "OperationNotPermitted" {
			return taken, protected, err
		}
		named := instanceIDs(e.Message, ids)
		if len(named) == 0 && len(ids) > 1 {
			half := len(ids) / 2
			n1, p1, err1 := s.terminateBatch(ctx, ids[:half])
			n2, p2, err2 := s.terminateBatch(ctx, ids[half:])
			return taken + n1 + n2, slices.Concat(protected, p1, p2), errors.Join(err1, err2)
		}
		if len(named) == 0 {
			named = ids
		}
		if e.Code == "OperationNotPermitted" {
			protected = append(protected, named...)
		}
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(named, id) })
	}
	return taken, protected, nil
}

var instanceID = regexp.MustCompile(`\bi-[0-9a-f]{8,17}\b`)

// instanceIDs finds those of ids that a message of EC2's names. It is the one place where a
// message is read; the class came from the code.
func instanceIDs(message string, ids []string) []string {
	var named []string
	for _, id := range instanceID.FindAllString(message, -1) {
		if slices.Contains(ids, id) && !slices.Contains(named, id) {
			named = append(named, id)
		}
	}
	return named
}

func idsOf(instances []planner.Instance) []string {
	ids := make([]string, len(instances))
	for i, n := range instances {
		ids[i] = n.ID
	}
	return ids
}
