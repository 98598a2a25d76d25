package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// createPlacements makes the plan's placement groups, and waits until EC2 shows them: a launch
// into one that it does not know yet is refused.
func (a *apply) createPlacements(ctx context.Context) error {
	var names []string
	for _, p := range a.plan.Placements {
		if p.Delete {
			continue
		}
		tags := map[string]string{tagName: a.want.Name, tagGroup: p.Group}
		_, err := Do(ctx, a.s, Request{Action: "CreatePlacementGroup", Doing: "create placement group " + p.Name, At: p.Why.At},
			a.s.EC2.CreatePlacementGroup, &ec2.CreatePlacementGroupInput{
				GroupName: new(p.Name), Strategy: types.PlacementStrategy(p.Strategy),
				TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypePlacementGroup, Tags: ToTags(tags)}},
			})
		// A lost reply makes the repeat a duplicate; whether it is ours, the look below tells.
		if e, _ := split(err); err != nil && (e == nil || e.Code != "InvalidPlacementGroup.Duplicate") {
			return err
		}
		names = append(names, p.Name)
		a.emit(Event{Type: EventPlacement, Group: p.Group, Message: "created placement group " + p.Name})
	}
	return a.awaitPlacements(ctx, names)
}

func (a *apply) awaitPlacements(ctx context.Context, names []string) error {
	deadline := a.s.now().Add(visibleWithin)
	for len(names) > 0 {
		groups, err := a.s.placements(ctx, a.want.Name)
		if err != nil {
			return err
		}
		a.have.PlacementGroups = groups
		for _, g := range groups {
			if g.State == string(types.PlacementGroupStateAvailable) {
				names = slices.DeleteFunc(names, func(n string) bool { return n == g.Name })
			}
		}
		if len(names) == 0 {
			break
		}
		if a.s.now().After(deadline) {
			return fmt.Errorf("placement group %s does not become available, or belongs to somebody else", strings.Join(names, ", "))
		}
		if err := a.s.Sleep(ctx, settleEvery); err != nil {
			return err
		}
	}
	return nil
}

// deletePlacements removes the placement groups that the plan ends. EC2 keeps one in use for a
// moment after its last instance has gone.
func (a *apply) deletePlacements(ctx context.Context) error {
	for _, p := range a.plan.Placements {
		if !p.Delete {
			continue
		}
		deadline := a.s.now().Add(a.l.patience())
		for {
			_, err := Do(ctx, a.s, Request{Action: "DeletePlacementGroup", Doing: "delete placement group " + p.Name, At: p.Why.At},
				a.s.EC2.DeletePlacementGroup, &ec2.DeletePlacementGroupInput{GroupName: new(p.Name)})
			if err == nil {
				break
			}
			e, cause := split(err)
			if e != nil && e.Code == "InvalidPlacementGroup.Unknown" {
				break
			}
			if cause != nil || e.Code != "InvalidPlacementGroup.InUse" || a.s.now().After(deadline) {
				return err
			}
			if err := a.s.Sleep(ctx, a.l.look(1)); err != nil {
				return err
			}
		}
		a.emit(Event{Type: EventPlacement, Group: p.Group, Message: "deleted placement group " + p.Name})
	}
	return nil
}
