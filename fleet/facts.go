package fleet

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"cluster/planner"
	"cluster/spec"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// facts asks what only a launch needs to know, each kind of thing in one call, all of them at once.
// Everything is asked for by filter: what does not exist is then missing from the answer, and the
// planner says so at its line of the file, where an error about a list of ids would name none of
// them. launching are the groups whose quotas are asked for.
func (s *Session) facts(ctx context.Context, want *spec.Cluster, launching []spec.Group) (*planner.Facts, error) {
	n := mentioned(want)
	f := &planner.Facts{}
	steps := []func() error{
		func() error { return s.instanceTypes(ctx, n.types, f) },
		func() error { return s.offerings(ctx, n.types, f) },
		func() error { return s.subnets(ctx, n.subnets, n.defaultSubnets, f) },
		func() error { return s.securityGroups(ctx, n.securityGroups, f) },
		func() error { return s.keyPairs(ctx, n.keyPairs, f) },
		func() error {
			if !features(want).reservations {
				return nil
			}
			return s.reservations(ctx, n.types, f)
		},
		func() error { f.Quotas = s.quotas(ctx, launching); return nil },
	}
	failed := make([]error, len(steps))
	var all sync.WaitGroup
	for i, step := range steps {
		all.Go(func() { failed[i] = step() }) // each fills its own part of the facts
	}
	all.Wait()
	if i := slices.IndexFunc(failed, func(err error) bool { return err != nil }); i >= 0 {
		return nil, failed[i]
	}
	return f, nil
}

// mentions are the things of EC2's that a file names, each sorted and once.
type mentions struct {
	types, subnets, securityGroups, keyPairs []string
	defaultSubnets                           bool // a group names no subnet
}

func mentioned(want *spec.Cluster) mentions {
	var m mentions
	for _, g := range want.Groups {
		m.types = append(m.types, g.InstanceTypes...)
		m.subnets = append(m.subnets, g.Subnets...)
		m.securityGroups = append(m.securityGroups, g.SecurityGroups...)
		m.defaultSubnets = m.defaultSubnets || len(g.Subnets) == 0
		if g.KeyName != "" {
			m.keyPairs = append(m.keyPairs, g.KeyName)
		}
	}
	for _, l := range []*[]string{&m.types, &m.subnets, &m.securityGroups, &m.keyPairs} {
		slices.Sort(*l)
		*l = slices.Compact(*l)
	}
	return m
}

// InstanceTypes is what EC2 says of the types of instances that live, and of others, sorted by name, in one call a
// hundred types.
func (l *Launcher) InstanceTypes(ctx context.Context, instances []planner.Instance, others ...string) ([]planner.InstanceType, error) {
	names := slices.Clone(others)
	for _, i := range instances {
		if !i.State.Dead() && i.InstanceType != "" {
			names = append(names, i.InstanceType)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	var f planner.Facts
	if err := l.Session.instanceTypes(ctx, slices.Compact(names), &f); err != nil {
		return nil, err
	}
	slices.SortFunc(f.Types, func(a, b planner.InstanceType) int { return strings.Compare(a.Name, b.Name) })
	return f.Types, nil
}

func (s *Session) instanceTypes(ctx context.Context, names []string, f *planner.Facts) error {
	return Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeInstanceTypes", Doing: "look up " + strings.Join(names, ", ")},
			s.EC2.DescribeInstanceTypes, &ec2.DescribeInstanceTypesInput{
				Filters: []types.Filter{Filter("instance-type", names...)}, MaxResults: new(int32(100)), NextToken: token,
			})
		if err != nil {
			return nil, err
		}
		for _, t := range out.InstanceTypes {
			f.Types = append(f.Types, toInstanceType(t))
		}
		return out.NextToken, nil
	})
}

func toInstanceType(t types.InstanceTypeInfo) planner.InstanceType {
	p := planner.InstanceType{
		Name:      string(t.InstanceType),
		Burstable: value(t.BurstablePerformanceSupported),
		BareMetal: value(t.BareMetal),
		Markets:   words(t.SupportedUsageClasses),
	}
	if i := t.ProcessorInfo; i != nil {
		p.Architectures = words(i.SupportedArchitectures)
	}
	if i := t.VCpuInfo; i != nil {
		p.VCPUs = int(value(i.DefaultVCpus))
		p.Cores, p.ThreadsPerCore = int(value(i.DefaultCores)), int(value(i.DefaultThreadsPerCore))
	}
	if i := t.GpuInfo; i != nil {
		for _, g := range i.Gpus {
			p.GPU = cmp.Or(p.GPU, value(g.Name))
			p.GPUs += int(value(g.Count))
		}
	}
	if i := t.MemoryInfo; i != nil {
		p.MemoryMiB = int(value(i.SizeInMiB))
	}
	if i := t.NetworkInfo; i != nil {
		p.EFA, p.NetworkCards = value(i.EfaSupported), int(value(i.MaximumNetworkCards))
		if i.EfaInfo != nil {
			p.EFAMax = int(value(i.EfaInfo.MaximumEfaInterfaces))
		}
	}
	if i := t.PlacementGroupInfo; i != nil {
		p.Placements = words(i.SupportedStrategies)
	}
	return p
}

// words is a list of EC2's enumeration values as text.
func words[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func (s *Session) offerings(ctx context.Context, names []string, f *planner.Facts) error {
	return Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeInstanceTypeOfferings", Doing: "look up the zones of " + strings.Join(names, ", ")},
			s.EC2.DescribeInstanceTypeOfferings, &ec2.DescribeInstanceTypeOfferingsInput{
				LocationType: types.LocationTypeAvailabilityZone,
				Filters:      []types.Filter{Filter("instance-type", names...)}, MaxResults: new(int32(page)), NextToken: token,
			})
		if err != nil {
			return nil, err
		}
		for _, o := range out.InstanceTypeOfferings {
			f.Offerings = append(f.Offerings, planner.Offering{Type: string(o.InstanceType), Zone: value(o.Location)})
		}
		return out.NextToken, nil
	})
}

func (s *Session) subnets(ctx context.Context, ids []string, defaults bool, f *planner.Facts) error {
	ask := func(by types.Filter, doing string) error {
		return Pages(func(token *string) (*string, error) {
			out, err := Do(ctx, s, Request{Action: "DescribeSubnets", Doing: doing},
				s.EC2.DescribeSubnets, &ec2.DescribeSubnetsInput{
					Filters: []types.Filter{by}, MaxResults: new(int32(page)), NextToken: token,
				})
			if err != nil {
				return nil, err
			}
			for _, n := range out.Subnets {
				f.Subnets = append(f.Subnets, planner.Subnet{
					ID: value(n.SubnetId), VPC: value(n.VpcId), Zone: value(n.AvailabilityZone),
					Free: int(value(n.AvailableIpAddressCount)), Default: value(n.DefaultForAz),
					State: string(n.State), PublicIP: value(n.MapPublicIpOnLaunch),
				})
			}
			return out.NextToken, nil
		})
	}
	if defaults {
		if err := ask(Filter("default-for-az", "true"), "look up the default subnets"); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := ask(Filter("subnet-id", ids...), "look up "+strings.Join(ids, ", ")); err != nil {
		return err
	}
	slices.SortFunc(f.Subnets, func(a, b planner.Subnet) int { return strings.Compare(a.ID, b.ID) })
	f.Subnets = slices.CompactFunc(f.Subnets, func(a, b planner.Subnet) bool { return a.ID == b.ID })
	return nil
}

func (s *Session) securityGroups(ctx context.Context, ids []string, f *planner.Facts) error {
	if len(ids) == 0 {
		return nil
	}
	return Pages(func(token *string) (*string, error) {
		out, err := Do(ctx, s, Request{Action: "DescribeSecurityGroups", Doing: "look up " + strings.Join(ids, ", ")},
			s.EC2.DescribeSecurityGroups, &ec2.DescribeSecurityGroupsInput{
				Filters: []types.Filter{Filter("group-id", ids...)}, MaxResults: new(int32(page)), NextToken: token,
			})
		if err != nil {
			return nil, err
		}
		for _, g := range out.SecurityGroups {
			f.SecurityGroups = append(f.SecurityGroups, value(g.GroupId))
		}
		return out.NextToken, nil
	})
}

func (s *Session) keyPairs(ctx context.Context, names []string, f *planner.Facts) error {
	if len(names) == 0 {
		return nil
	}
	out, err := Do(ctx, s, Request{Action: "DescribeKeyPairs", Doing: "look up key pair " + strings.Join(names, ", ")},
		s.EC2.DescribeKeyPairs, &ec2.DescribeKeyPairsInput{Filters: []types.Filter{Filter("key-name", names...)}})
	if err != nil {
		return err
	}
	for _, k := range out.KeyPairs {
		f.KeyPairs = append(f.KeyPairs, value(k.KeyName))
	}
	return nil
}

// permissions asks EC2, by a dry run of each group's first launch call, whether it would be
// permitted. That checks credentials and parameters, not capacity, and launches nothing. The
// placement group is left out: it may not exist yet.
func (l *Launcher) permissions(ctx context.Context, want *spec.Cluster, have planner.Observed) ([]planner.Denial, error) {
	a := newApply(l, want, have, planner.Diff(want, have))
	var denied []planner.Denial
	for _, g := range a.groups {
		c := a.newClimb(g, nil, g.plan.Rungs)
		for _, x := range a.actions(planner.Launch, planner.Replace) {
			if x.Group == g.plan.Name {
				c.slots = append(c.slots, x.Slots...)
			}
		}
		if len(c.slots) == 0 || len(c.rungs) == 0 {
			continue
		}
		slices.Sort(c.slots)
		first := planner.Calls(g.spec, c.rungs[0], c.slots, g.plan)[0]
		first.PlacementGroup = ""
		in := launch{cluster: want.Name, group: g.spec, image: g.plan.Image, typ: a.instanceType(first.Type), call: first, owner: have.Principal}.input(-1) // a token of its own
		in.DryRun = new(true)
		_, err := Do(ctx, l.Session, Request{Action: "RunInstances", Doing: "ask for permission to launch " + g.plan.Name, At: g.spec.Source.Block},
			l.Session.EC2.RunInstances, in)
		e, cause := split(err)
		switch {
		case cause != nil:
			return nil, cause
		case e != nil && (e.Class == Permission || e.Class == Spec):
			denied = append(denied, planner.Denial{Group: g.plan.Name, Code: e.Code, Detail: e.Message})
		case e != nil && e.Code != "DryRunOperation":
			return nil, e
		}
	}
	return denied, nil
}
