package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// modifyInstanceAttribute changes whether an instance may be terminated or stopped, which is what there is
// to change of one that runs.
func (w *world) modifyInstanceAttribute(in *ec2.ModifyInstanceAttributeInput) (*ec2.ModifyInstanceAttributeOutput, error) {
	found, err := pick(w.Instances, []string{*in.InstanceId}, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	i := found[0]
	termination, stop := in.DisableApiTermination, in.DisableApiStop
	switch in.Attribute {
	case "":
	case types.InstanceAttributeNameDisableApiTermination:
		termination = &types.AttributeBooleanValue{Value: new(value(in.Value) == "true")}
	case types.InstanceAttributeNameDisableApiStop:
		stop = &types.AttributeBooleanValue{Value: new(value(in.Value) == "true")}
	default:
		return nil, unmodelled("changes of the instance attribute " + string(in.Attribute))
	}
	rest := *in
	rest.InstanceId, rest.DryRun, rest.Attribute, rest.Value, rest.DisableApiTermination, rest.DisableApiStop = nil, nil, "", nil, nil, nil
	if !blank(rest) {
		return nil, unmodelled("changes of instance attributes but disableApiTermination and disableApiStop")
	}
	if termination == nil && stop == nil {
		return nil, fail("InvalidParameterCombination", "No attributes specified.")
	}
	if termination != nil {
		i.Protected = is(termination.Value)
	}
	if stop != nil {
		i.StopSafe = is(stop.Value)
	}
	return &ec2.ModifyInstanceAttributeOutput{}, nil
}

func (w *world) describeInstanceAttribute(in *ec2.DescribeInstanceAttributeInput) (*ec2.DescribeInstanceAttributeOutput, error) {
	found, err := pick(w.Instances, []string{*in.InstanceId}, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	i := found[0]
	l, v := w.Launches[i.Launch], w.view(i)
	out := &ec2.DescribeInstanceAttributeOutput{InstanceId: in.InstanceId}
	text := func(s string) *types.AttributeValue {
		if s == "" {
			return &types.AttributeValue{}
		}
		return &types.AttributeValue{Value: new(s)}
	}
	flag := func(b bool) *types.AttributeBooleanValue { return &types.AttributeBooleanValue{Value: new(b)} }
	switch in.Attribute {
	case types.InstanceAttributeNameDisableApiTermination:
		out.DisableApiTermination = flag(i.Protected)
	case types.InstanceAttributeNameDisableApiStop:
		out.DisableApiStop = flag(i.StopSafe)
	case types.InstanceAttributeNameUserData:
		out.UserData = text(l.UserData)
	case types.InstanceAttributeNameInstanceType:
		out.InstanceType = text(l.Type)
	case types.InstanceAttributeNameInstanceInitiatedShutdownBehavior:
		out.InstanceInitiatedShutdownBehavior = text(l.Shutdown)
	case types.InstanceAttributeNameRootDeviceName:
		out.RootDeviceName = text(*v.RootDeviceName)
	case types.InstanceAttributeNameBlockDeviceMapping:
		out.BlockDeviceMappings = v.BlockDeviceMappings
	case types.InstanceAttributeNameEbsOptimized:
		out.EbsOptimized = flag(l.EBSOptimized)
	case types.InstanceAttributeNameSourceDestCheck:
		out.SourceDestCheck = flag(true)
	case types.InstanceAttributeNameEnaSupport:
		out.EnaSupport = flag(true)
	case types.InstanceAttributeNameEnclaveOptions:
		out.EnclaveOptions = &types.EnclaveOptions{Enabled: new(l.Enclave)}
	case types.InstanceAttributeNameGroupSet:
		out.Groups = v.SecurityGroups
	default:
		return nil, unmodelled("the instance attribute " + string(in.Attribute))
	}
	return out, nil
}

// describeInstanceStatus tells the outcome of the checks that begin when an instance runs.
func (w *world) describeInstanceStatus(in *ec2.DescribeInstanceStatusInput) (*ec2.DescribeInstanceStatusOutput, error) {
	if n := len(in.InstanceIds); n > 100 {
		return nil, fail("InvalidParameterValue", "The request has %d instance ids; at most 100 are allowed.", n)
	}
	all, err := pick(w.Instances, in.InstanceIds, instanceKind, w.visible)
	if err != nil {
		return nil, err
	}
	var rows []*types.InstanceStatus
	for _, i := range all {
		if w.phase(i) == running || is(in.IncludeAllInstances) {
			rows = append(rows, w.status(i))
		}
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.InstanceIds, idsNamed: "instancesSet"}
	rows, next, err := paged(w, rows, p, func(s *types.InstanceStatus) []string { return []string{*s.InstanceId} })
	return &ec2.DescribeInstanceStatusOutput{InstanceStatuses: deref(rows), NextToken: next}, err
}

// checked is when the status checks of an instance that runs are over.
func (w *world) checked(i *instance) time.Time {
	return later(i.done(), i.Rebooted).Add(w.t.Checks)
}

func (w *world) status(i *instance) *types.InstanceStatus {
	l, p := w.Launches[i.Launch], w.phase(i)
	summary, detail := types.SummaryStatusNotApplicable, types.StatusType("")
	switch {
	case p == running && w.now.Before(w.checked(i)):
		summary, detail = types.SummaryStatusInitializing, types.StatusTypeInitializing
	case p == running && i.Impaired:
		summary, detail = types.SummaryStatusImpaired, types.StatusTypeFailed
	case p == running:
		summary, detail = types.SummaryStatusOk, types.StatusTypePassed
	}
	checks := func() *types.InstanceStatusSummary {
		s := &types.InstanceStatusSummary{Status: summary}
		if detail != "" {
			s.Details = []types.InstanceStatusDetails{{Name: types.StatusNameReachability, Status: detail}}
		}
		return s
	}
	ebs := &types.EbsStatusSummary{Status: summary}
	if detail != "" {
		ebs.Details = []types.EbsStatusDetails{{Name: types.StatusNameReachability, Status: detail}}
	}
	return &types.InstanceStatus{
		InstanceId: new(i.ID), AvailabilityZone: new(l.Zone), AvailabilityZoneId: new(l.ZoneID), InstanceState: p.state(),
		InstanceStatus: checks(), SystemStatus: checks(), AttachedEbsStatus: ebs, Operator: &types.OperatorResponse{Managed: new(false)},
	}
}
