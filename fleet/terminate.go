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
// on. One that EC2 does not know is not gone for that, it may be too young to be seen: it is asked for
// again until EC2 takes it on, for a minute. A *ProtectedError names those that may not be
// terminated; the others are taken on all the same.
func (s *Session) terminate(ctx context.Context, instances []planner.Instance) (taken int, err error) {
	todo := slices.Clone(instances)
	// One protected instance holds all of its zone back, so the zones of a call should be few.
	slices.SortFunc(todo, func(a, b planner.Instance) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), strings.Compare(a.ID, b.ID))
	})
	ids, deadline := idsOf(todo), s.now().Add(visibleWithin)
	var out terminated
	for {
		for batch := range slices.Chunk(ids, terminateAtOnce) {
			if err := s.terminateBatch(ctx, batch, &out); err != nil {
				return out.taken, err
			}
		}
		if ids, out.unseen = out.unseen, nil; len(ids) == 0 {
			break
		}
		if s.now().After(deadline) {
			return out.taken, fmt.Errorf("terminate %d instances: EC2 does not know %s", len(instances), ids[0])
		}
		if err := s.Sleep(ctx, settleEvery); err != nil {
			return out.taken, err
		}
	}
	if len(out.protected) > 0 {
		slices.Sort(out.protected)
		return out.taken, &ProtectedError{Instances: out.protected}
	}
	return out.taken, nil
}

// Terminate ends instances by their ids, as terminate does.
func (s *Session) Terminate(ctx context.Context, ids ...string) error {
	var instances []planner.Instance
	for _, id := range ids {
		instances = append(instances, planner.Instance{ID: id})
	}
	_, err := s.terminate(ctx, instances)
	return err
}

// terminated is what became of instances that EC2 was asked to end.
type terminated struct {
	taken             int
	protected, unseen []string
}

// terminateBatch makes the call and, where EC2 refuses it for some of the instances, makes it again
// without them: "if one is protected, all requested instances in its zone stay; an unknown one fails
// the whole call" (TerminateInstances, EC2 API Reference). EC2 names them in its message only; if
// it should ever not, the batch is halved until the call itself has told which they are.
func (s *Session) terminateBatch(ctx context.Context, ids []string, out *terminated) error {
	for len(ids) > 0 {
		r := Request{Action: "TerminateInstances", Instances: len(ids), Doing: fmt.Sprintf("terminate %d instances", len(ids))}
		_, err := Do(ctx, s, r, s.EC2.TerminateInstances, &ec2.TerminateInstancesInput{InstanceIds: ids})
		if err == nil {
			out.taken += len(ids)
			return nil
		}
		e, cause := split(err)
		if cause != nil || e.Class != Stale && e.Code != "OperationNotPermitted" {
			return err
		}
		named := instanceIDs(e.Message, ids)
		if len(named) == 0 && len(ids) > 1 {
			half := len(ids) / 2
			return errors.Join(s.terminateBatch(ctx, ids[:half], out), s.terminateBatch(ctx, ids[half:], out))
		}
		if len(named) == 0 {
			named = ids
		}
		if e.Code == "OperationNotPermitted" {
			out.protected = append(out.protected, named...)
		} else {
			out.unseen = append(out.unseen, named...)
		}
		ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(named, id) })
	}
	return nil
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
