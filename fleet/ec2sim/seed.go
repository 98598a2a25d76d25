package ec2sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// What a fresh region holds, in us-east-1. Any other region holds the same under ids of its own (IDIn).
// Options.Seed does not change them, so that tests and examples may name them. A root snapshot has its
// image's digits (RootSnapshot).
const (
	VPC           = "vpc-0000000000000c0de" // the default VPC
	SubnetA       = "subnet-0000000000000000a"
	SubnetB       = "subnet-0000000000000000b"
	SubnetC       = "subnet-0000000000000000c"
	SecurityGroup = "sg-00000000000000def" // the default group
	KeyName       = "me"

	BaseImage       = "ami-00000000000202611" // hpc-base-2026.11, ours, channel next
	BaseImageBefore = "ami-00000000000202610" // hpc-base-2026.10, ours, channel stable
	ARMImage        = "ami-000000000a0202611" // hpc-arm-2026.11, ours, arm64, channel stable
	LookAlikeImage  = "ami-00000000bad202612" // hpc-base-2026.12, newest of that name, public, a stranger's
	AmazonLinux     = "ami-00000000020261105" // x86_64
	AmazonLinuxARM  = "ami-000000000a0261105" // arm64
	Ubuntu          = "ami-00000000000002404" // 24.04, x86_64
	UbuntuARM       = "ami-000000000a0002404"

	AmazonAccount    = "137112412989"
	CanonicalAccount = "099720109477"
	StrangerAccount  = "666666666666"
)

// The tags by which own images are found by family and version.
const (
	FamilyTag  = "cluster:image-family"
	VersionTag = "cluster:image-version"
	ChannelTag = "cluster:image-channel"
)

// IDIn is the id, in another region, of something that every fresh region holds.
func IDIn(region, id string) string {
	prefix, digits, ok := strings.Cut(id, "-")
	if !ok || region == "us-east-1" || len(digits) != 17 {
		return id
	}
	h := (&Region{}).hash("region", region)
	return fmt.Sprintf("%s-0%05x%s", prefix, h&0xfffff, digits[6:])
}

// RootSnapshot is the root snapshot of an image that every fresh region holds.
func RootSnapshot(image string) string { return "snap-" + strings.TrimPrefix(image, "ami-") }

// seededImages is the images of a fresh region: our own, what Amazon and Canonical offer to everyone, and
// one whose name is meant to be taken for ours.
var seededImages = []ImageSpec{
	{ID: BaseImageBefore, Name: "hpc-base-2026.10", Created: day(2026, 10, 5), RootSize: 20,
		Tags: map[string]string{FamilyTag: "hpc-base", VersionTag: "2026.10", ChannelTag: "stable"}},
	{ID: BaseImage, Name: "hpc-base-2026.11", Created: day(2026, 11, 2), RootSize: 20,
		Tags: map[string]string{FamilyTag: "hpc-base", VersionTag: "2026.11", ChannelTag: "next"}},
	{ID: ARMImage, Name: "hpc-arm-2026.11", Created: day(2026, 11, 2), RootSize: 20, Architecture: "arm64",
		Tags: map[string]string{FamilyTag: "hpc-arm", VersionTag: "2026.11", ChannelTag: "stable"}},
	{ID: LookAlikeImage, Name: "hpc-base-2026.12", Created: day(2026, 11, 20), RootSize: 20, Owner: StrangerAccount, Public: true},
	{ID: AmazonLinux, Name: "al2023-ami-2023.9.20261105.0-kernel-6.1-x86_64", Created: day(2026, 11, 5), Owner: AmazonAccount, Alias: "amazon", Public: true, Copyable: true},
	{ID: AmazonLinuxARM, Name: "al2023-ami-2023.9.20261105.0-kernel-6.1-arm64", Created: day(2026, 11, 5), Owner: AmazonAccount, Alias: "amazon", Public: true, Copyable: true, Architecture: "arm64"},
	{ID: Ubuntu, Name: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20261101", Created: day(2026, 11, 1), Owner: CanonicalAccount, Public: true, Copyable: true, RootDevice: "/dev/sda1"},
	{ID: UbuntuARM, Name: "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20261101", Created: day(2026, 11, 1), Owner: CanonicalAccount, Public: true, Copyable: true, RootDevice: "/dev/sda1", Architecture: "arm64"},
}

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 12, 0, 0, 0, time.UTC) }

// seed makes the world of an account that has not used the region yet.
func (r *Region) seed(account, name string) *world {
	w := &world{Name: name, r: r, now: r.now()}
	if account != r.o.Account {
		w.Account = account
	}
	w.makeMaps()
	for i, id := range []string{SubnetA, SubnetB, SubnetC} {
		w.addSubnet(SubnetSpec{ID: IDIn(name, id), Zone: w.zones()[i].name, CIDR: fmt.Sprintf("172.31.%d.0/20", 16*i)}, true)
	}
	sg := IDIn(name, SecurityGroup)
	w.Firewalls[sg] = w.defaultGroup(sg)
	w.Keys[KeyName] = &types.KeyPairInfo{
		KeyName: new(KeyName), KeyPairId: new(IDIn(name, "key-0000000000000000e")), KeyType: types.KeyTypeEd25519,
		KeyFingerprint: new("mQ2q0m0T5zC3c6mY9r7oXv8QJq1m2yJYV4a1iH0c4bE="), CreateTime: new(day(2026, 10, 1)),
	}
	if w.Account != "" {
		return w // the images are on the shelf already
	}
	for _, spec := range seededImages {
		spec.ID = IDIn(name, spec.ID)
		w.addImage(spec)
	}
	return w
}

// makeMaps gives a world the maps that it lacks.
func (w *world) makeMaps() {
	fill(&w.Launches)
	fill(&w.Instances)
	fill(&w.Volumes)
	fill(&w.Images)
	fill(&w.Snapshots)
	fill(&w.Subnets)
	fill(&w.Firewalls)
	fill(&w.Keys)
	fill(&w.Groups)
	fill(&w.Bookings)
	fill(&w.Templates)
	fill(&w.Tags)
	fill(&w.Tokens)
	fill(&w.Buckets)
	fill(&w.Copies)
}

func fill[V any](m *map[string]V) {
	if *m == nil {
		*m = map[string]V{}
	}
}
