package ec2sim

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// maxInstances is how many ids a call that changes instances takes.
const maxInstances = 1000

// chosen finds the instances of a call that changes them: all of them, or none is touched.
func (w *world) chosen(ids []string) ([]*instance, error) {
	if len(ids) > maxInstances {
		return nil, fail("InvalidParameterValue", "The request has %d instance ids; at most %d are allowed.", len(ids), maxInstances)
	}
	all, err := pick(w.Instances, ids, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	if _, err := w.chargeInstances(len(all), len(all)); err != nil {
		return nil, err
	}
	return all, nil
}

// terminateInstances ends instances. One that is protected keeps all that were asked for in its zone; the
// other zones' are terminated, and the call fails all the same.
func (w *world) terminateInstances(in *ec2.TerminateInstancesInput) (*ec2.TerminateInstancesOutput, error) {
	all, err := w.chosen(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	kept := map[string]bool{} // zones
	var protected []string
	for _, i := range all {
		if i.Protected && w.alive(i) {
			kept[w.Launches[i.Launch].Zone] = true
			protected = append(protected, i.ID)
		}
	}
	out := &ec2.TerminateInstancesOutput{}
	for _, i := range all {
		if kept[w.Launches[i.Launch].Zone] {
			continue
		}
		before := w.phase(i)
		if w.alive(i) {
			w.end(i, "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown", w.userInitiated())
		}
		out.TerminatingInstances = append(out.TerminatingInstances, w.stateChange(i, before))
	}
	if len(protected) > 0 {
		return nil, fail("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", strings.Join(protected, "', '"))
	}
	return out, nil
}

func (w *world) stateChange(i *instance, before phase) types.InstanceStateChange {
	return types.InstanceStateChange{InstanceId: new(i.ID), PreviousState: before.state(), CurrentState: w.phase(i).state()}
}

func (w *world) stopInstances(in *ec2.StopInstancesInput) (*ec2.StopInstancesOutput, error) {
	all, err := w.chosen(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	if is(in.Hibernate) {
		return nil, unmodelled("hibernation")
	}
	for _, i := range all {
		switch p := w.phase(i); {
		case w.Launches[i.Launch].Spot:
			return nil, fail("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request.", i.ID)
		case i.StopSafe:
			return nil, fail("OperationNotPermitted", "The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.ID)
		case p == pending || p == shuttingDown || p == terminated:
			return nil, incorrectState(i, "stopped", p)
		}
	}
	out := &ec2.StopInstancesOutput{}
	for _, i := range all {
		before := w.phase(i)
		if before == running {
			w.stop(i)
		}
		out.StoppingInstances = append(out.StoppingInstances, w.stateChange(i, before))
	}
	return out, nil
}

func (w *world) stop(i *instance) {
	w.happen(i, halted, w.t.Stopping)
	i.Code, i.Message = "Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"
	i.Transition = w.userInitiated()
}

func incorrectState(i *instance, verb string, p phase) error {
	return fail("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s. It is %s.", i.ID, verb, phaseNames[p])
}

func (w *world) startInstances(in *ec2.StartInstancesInput) (*ec2.StartInstancesOutput, error) {
	all, err := w.chosen(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	places, err := w.replace(all)
	if err != nil {
		return nil, err
	}
	out := &ec2.StartInstancesOutput{}
	for _, i := range all {
		before := w.phase(i)
		if before == stopped {
			w.happen(i, started, w.t.Starting)
			i.Booking = places[i.ID]
			i.Code, i.Message, i.Transition = "", "", ""
		}
		out.StartingInstances = append(out.StartingInstances, w.stateChange(i, before))
	}
	return out, nil
}

// replace finds a place for each stopped instance that is to be started, by its id, or none for any.
func (w *world) replace(all []*instance) (places map[string]string, err error) {
	places = map[string]string{}
	taken := map[string]int{}
	room := map[string][]seats{} // by launch
	for _, i := range all {
		switch p := w.phase(i); p {
		case stopped:
		case pending, running:
			continue
		default:
			return nil, incorrectState(i, "started", p)
		}
		l := w.Launches[i.Launch]
		if room[l.ID] == nil {
			room[l.ID] = w.seats(l, l.Zone)
		}
		n := slices.IndexFunc(room[l.ID], func(s seats) bool { return taken[s.pool(l)] < s.free })
		if n < 0 {
			return nil, w.noRoom(l, false, 1)
		}
		s := room[l.ID][n]
		taken[s.pool(l)]++
		places[i.ID] = s.booking
	}
	return places, nil
}

func (w *world) rebootInstances(in *ec2.RebootInstancesInput) (*ec2.RebootInstancesOutput, error) {
	all, err := w.chosen(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	n := slices.IndexFunc(all, func(i *instance) bool { return w.phase(i) != running })
	if n >= 0 {
		return nil, incorrectState(all[n], "rebooted", w.phase(all[n]))
	}
	for _, i := range all {
		i.Rebooted = w.now
	}
	return &ec2.RebootInstancesOutput{}, nil
}
