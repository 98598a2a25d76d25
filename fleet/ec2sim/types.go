package ec2sim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// hardware is an instance type.
type hardware struct {
	name    string
	vcpus   int32
	threads int32 // a core
	memory  int64 // MiB
	arch    string
	gbps    float64
	cards   int32 // of the network
	efas    int32
	gpus    int32
	gpu     string
	zones   string // where it is offered, by their letters
	spot    bool
}

// hardwareTable is the types that exist here: general ones, those that HPC is done on, and some that are
// picky about zones.
const hardwareTable = `
t3.micro          2 2      1024 x86_64   5  1  0 0 -    abc spot
t3.small          2 2      2048 x86_64   5  1  0 0 -    abc spot
t3.medium         2 2      4096 x86_64   5  1  0 0 -    abc spot
t3.large          2 2      8192 x86_64   5  1  0 0 -    abc spot
t4g.small         2 1      2048 arm64    5  1  0 0 -    abc spot
t4g.medium        2 1      4096 arm64    5  1  0 0 -    abc spot
m5.large          2 2      8192 x86_64  10  1  0 0 -    abc spot
m7i.large         2 2      8192 x86_64  12.5 1 0 0 -    abc spot
m7i.xlarge        4 2     16384 x86_64  12.5 1 0 0 -    abc spot
m7i.4xlarge      16 2     65536 x86_64  12.5 1 0 0 -    abc spot
m7i.48xlarge    192 2    786432 x86_64  50  1  1 0 -    abc spot
c7i.large         2 2      4096 x86_64  12.5 1 0 0 -    abc spot
c7i.xlarge        4 2      8192 x86_64  12.5 1 0 0 -    abc spot
c7i.2xlarge       8 2     16384 x86_64  12.5 1 0 0 -    abc spot
c7i.4xlarge      16 2     32768 x86_64  12.5 1 0 0 -    abc spot
c7i.8xlarge      32 2     65536 x86_64  12.5 1 0 0 -    abc spot
c7i.12xlarge     48 2     98304 x86_64  18.75 1 0 0 -   abc spot
c7i.16xlarge     64 2    131072 x86_64  25  1  0 0 -    abc spot
c7i.24xlarge     96 2    196608 x86_64  37.5 1 0 0 -    abc spot
c7i.48xlarge    192 2    393216 x86_64  50  1  1 0 -    abc spot
c7a.large         2 1      4096 x86_64  12.5 1 0 0 -    abc spot
c7a.xlarge        4 1      8192 x86_64  12.5 1 0 0 -    abc spot
c7a.48xlarge    192 1    393216 x86_64  50  1  1 0 -    abc spot
r7i.xlarge        4 2     32768 x86_64  12.5 1 0 0 -    abc spot
r7i.8xlarge      32 2    262144 x86_64  12.5 1 0 0 -    abc spot
c7g.large         2 1      4096 arm64   12.5 1 0 0 -    abc spot
c7gn.16xlarge    64 1    131072 arm64  200  1  1 0 -    ab  spot
hpc6a.48xlarge   96 1    393216 x86_64 100  1  1 0 -    b   -
hpc6id.32xlarge  64 1   1048576 x86_64 200  2  2 0 -    b   -
hpc7a.12xlarge   24 1    786432 x86_64 300  2  2 0 -    ab  -
hpc7a.24xlarge   48 1    786432 x86_64 300  2  2 0 -    ab  -
hpc7a.48xlarge   96 1    786432 x86_64 300  2  2 0 -    ab  -
hpc7a.96xlarge  192 1    786432 x86_64 300  2  2 0 -    ab  -
hpc7g.16xlarge   64 1    131072 arm64  200  1  1 0 -    a   -
g6.xlarge         4 2     16384 x86_64  10  1  0 1 L4   abc spot
g6.48xlarge     192 2    786432 x86_64 100  1  1 8 L4   ac  spot
p5.48xlarge     192 2   2097152 x86_64 3200 32 32 8 H100 c  spot
`

var typeTable = sync.OnceValue(func() map[string]hardware {
	all := map[string]hardware{}
	for line := range strings.Lines(strings.TrimSpace(hardwareTable)) {
		var h hardware
		var market string
		if _, err := fmt.Sscan(line, &h.name, &h.vcpus, &h.threads, &h.memory, &h.arch, &h.gbps, &h.cards, &h.efas, &h.gpus, &h.gpu, &h.zones, &market); err != nil {
			panic(fmt.Sprintf("ec2sim: instance type %q: %v", line, err))
		}
		h.spot = market == "spot"
		all[h.name] = h
	}
	return all
})

// Types are the names of the instance types that a region has, sorted.
func Types() []string { return slices.Sorted(maps.Keys(typeTable())) }

func (h hardware) family() string { f, _, _ := strings.Cut(h.name, "."); return f }

func (h hardware) burstable() bool { return strings.HasPrefix(h.name, "t") }

func (h hardware) hpc() bool { return strings.HasPrefix(h.name, "hpc") }

// bucket is which of an account's vCPU quotas the type counts towards.
func (h hardware) bucket() string {
	switch {
	case h.hpc():
		return "HPC"
	case h.name[0] == 'p':
		return "P"
	case h.name[0] == 'g':
		return "G and VT"
	}
	return "Standard"
}

// offeredIn tells whether a zone has the type.
func (h hardware) offeredIn(zone string) bool { return strings.Contains(h.zones, zone[len(zone)-1:]) }

func (h hardware) strategies() []types.PlacementGroupStrategy {
	all := []types.PlacementGroupStrategy{types.PlacementGroupStrategyPartition, types.PlacementGroupStrategySpread}
	if !h.burstable() {
		all = append([]types.PlacementGroupStrategy{types.PlacementGroupStrategyCluster}, all...)
	}
	return all
}

// interfaces is how many network interfaces an instance of the type has room for, on all its cards.
func (h hardware) interfaces() int32 {
	perCard := int32(15)
	switch {
	case h.hpc() || h.cards > 2:
		perCard = 2
	case h.vcpus <= 2:
		perCard = 3
	case h.vcpus <= 16:
		perCard = 4
	case h.vcpus <= 48:
		perCard = 8
	}
	return perCard * h.cards
}

func (h hardware) info() *types.InstanceTypeInfo {
	i := &types.InstanceTypeInfo{
		InstanceType: types.InstanceType(h.name), CurrentGeneration: new(h.family() != "m5"), BareMetal: new(false), Hypervisor: types.InstanceTypeHypervisorNitro,
		FreeTierEligible: new(h.name == "t3.micro" || h.name == "t4g.small"), BurstablePerformanceSupported: new(h.burstable()),
		HibernationSupported: new(!h.hpc() && h.gpus == 0 && h.memory <= 150<<10), DedicatedHostsSupported: new(!h.hpc() && !h.burstable()),
		AutoRecoverySupported: new(!h.hpc()), InstanceStorageSupported: new(false), SupportedInRegion: nil,
		NitroEnclavesSupport: types.NitroEnclavesSupportUnsupported, NitroTpmSupport: types.NitroTpmSupportUnsupported,
		MemoryInfo: &types.MemoryInfo{SizeInMiB: new(h.memory)},
		VCpuInfo: &types.VCpuInfo{
			DefaultVCpus: new(h.vcpus), DefaultCores: new(h.vcpus / h.threads), DefaultThreadsPerCore: new(h.threads),
			ValidCores: []int32{h.vcpus / h.threads}, ValidThreadsPerCore: []int32{1},
		},
		ProcessorInfo: &types.ProcessorInfo{
			SupportedArchitectures: []types.ArchitectureType{types.ArchitectureType(h.arch)}, SustainedClockSpeedInGhz: new(3.2), Manufacturer: new(maker(h)),
		},
		EbsInfo: &types.EbsInfo{
			EbsOptimizedSupport: types.EbsOptimizedSupportDefault, EncryptionSupport: types.EbsEncryptionSupportSupported, NvmeSupport: types.EbsNvmeSupportRequired,
			MaximumEbsAttachments: new(int32(28)), AttachmentLimitType: types.AttachmentLimitTypeShared,
		},
		NetworkInfo:              h.network(),
		PlacementGroupInfo:       &types.PlacementGroupInfo{SupportedStrategies: h.strategies()},
		SupportedRootDeviceTypes: []types.RootDeviceType{types.RootDeviceTypeEbs}, SupportedVirtualizationTypes: []types.VirtualizationType{types.VirtualizationTypeHvm},
		SupportedUsageClasses: []types.UsageClassType{types.UsageClassTypeOnDemand}, SupportedBootModes: []types.BootModeType{types.BootModeTypeUefi},
	}
	if h.threads == 2 {
		i.VCpuInfo.ValidThreadsPerCore = []int32{1, 2}
	}
	if h.arch == "x86_64" {
		i.SupportedBootModes = []types.BootModeType{types.BootModeTypeLegacyBios, types.BootModeTypeUefi}
	}
	if h.spot {
		i.SupportedUsageClasses = append(i.SupportedUsageClasses, types.UsageClassTypeSpot)
	}
	if h.gpus > 0 {
		i.GpuInfo = &types.GpuInfo{Gpus: []types.GpuDeviceInfo{{Name: new(h.gpu), Manufacturer: new("NVIDIA"), Count: new(h.gpus)}}}
	}
	return i
}

func maker(h hardware) string {
	switch {
	case h.arch == "arm64":
		return "AWS"
	case strings.HasSuffix(h.family(), "a"):
		return "AMD"
	}
	return "Intel"
}

func (h hardware) network() *types.NetworkInfo {
	speed := func(gbps float64) *string { return new(fmt.Sprintf("%g Gigabit", gbps)) }
	n := &types.NetworkInfo{
		NetworkPerformance: speed(h.gbps), MaximumNetworkInterfaces: new(h.interfaces()), MaximumNetworkCards: new(h.cards), DefaultNetworkCardIndex: new(int32(0)),
		Ipv4AddressesPerInterface: new(int32(15)), Ipv6AddressesPerInterface: new(int32(15)), Ipv6Supported: new(true),
		EnaSupport: types.EnaSupportRequired, EfaSupported: new(h.efas > 0), EncryptionInTransitSupported: new(!h.burstable()), EnaSrdSupported: new(h.gbps >= 50),
	}
	if h.efas > 0 {
		n.EfaInfo = &types.EfaInfo{MaximumEfaInterfaces: new(h.efas)}
	}
	for c := range h.cards {
		n.NetworkCards = append(n.NetworkCards, types.NetworkCardInfo{
			NetworkCardIndex: new(c), NetworkPerformance: speed(h.gbps / float64(h.cards)), MaximumNetworkInterfaces: new(h.interfaces() / h.cards),
			BaselineBandwidthInGbps: new(h.gbps / float64(h.cards)), PeakBandwidthInGbps: new(h.gbps / float64(h.cards)),
		})
	}
	return n
}

// hardwareNamed finds a type for a launch.
func hardwareNamed(name string) (hardware, error) {
	h, ok := typeTable()[name]
	if !ok {
		return h, fail("InvalidParameterValue", "Invalid value '%s' for InstanceType.", name)
	}
	return h, nil
}

func (w *world) describeInstanceTypes(in *ec2.DescribeInstanceTypesInput) (*ec2.DescribeInstanceTypesOutput, error) {
	var missing []string
	for _, t := range in.InstanceTypes {
		if _, ok := typeTable()[string(t)]; !ok {
			missing = append(missing, string(t))
		}
	}
	if len(missing) > 0 {
		return nil, fail("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(missing, ", "))
	}
	var all []*types.InstanceTypeInfo
	for _, h := range typeTable() {
		if len(in.InstanceTypes) == 0 || slices.Contains(in.InstanceTypes, types.InstanceType(h.name)) {
			all = append(all, h.info())
		}
	}
	all, err := filtered(w, all, in.Filters)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(in.InstanceTypes))
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 100, ids: ids, idsNamed: "instanceTypes"}
	all, next, err := paged(w, all, p, func(i *types.InstanceTypeInfo) []string { return []string{string(i.InstanceType)} })
	return &ec2.DescribeInstanceTypesOutput{InstanceTypes: deref(all), NextToken: next}, err
}

func (w *world) describeInstanceTypeOfferings(in *ec2.DescribeInstanceTypeOfferingsInput) (*ec2.DescribeInstanceTypeOfferingsOutput, error) {
	kind := in.LocationType
	if kind == "" {
		kind = types.LocationTypeRegion
	}
	var all []*types.InstanceTypeOffering
	offer := func(h hardware, location string) {
		all = append(all, &types.InstanceTypeOffering{InstanceType: types.InstanceType(h.name), Location: new(location), LocationType: kind})
	}
	for _, h := range typeTable() {
		switch kind {
		case types.LocationTypeRegion:
			offer(h, w.Name)
		case types.LocationTypeAvailabilityZone, types.LocationTypeAvailabilityZoneId:
			for _, z := range w.zones() {
				if h.offeredIn(z.name) {
					if kind == types.LocationTypeAvailabilityZone {
						offer(h, z.name)
					} else {
						offer(h, z.id)
					}
				}
			}
		case types.LocationTypeOutpost:
		default:
			return nil, fail("InvalidParameterValue", "Invalid value '%s' for LocationType.", kind)
		}
	}
	all, err := filtered(w, all, in.Filters)
	if err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000}
	all, next, err := paged(w, all, p, func(o *types.InstanceTypeOffering) []string { return []string{string(o.InstanceType), *o.Location} })
	return &ec2.DescribeInstanceTypeOfferingsOutput{InstanceTypeOfferings: deref(all), NextToken: next}, err
}
