package fleet_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

const (
	reference  = "EC2 API Reference, "
	errorCodes = "EC2 API error codes"
	idempotent = "Ensuring idempotency in Amazon EC2 API requests"
)

var questions = []question{
	{
		name: "client_token_repeated",
		ask: func(p *portable) string {
			first := p.must(func(in *ec2.RunInstancesInput) { in.ClientToken = new("once") })
			again, answer := p.launch(func(in *ec2.RunInstancesInput) { in.ClientToken = new("once") })
			if len(again) == 0 {
				return answer
			}
			if *first[0].InstanceId == *again[0].InstanceId {
				return "the same instance"
			}
			return "another instance"
		},
		ec2: "the same instance", moto: "another instance", doc: idempotent,
	},
	{
		name: "client_token_with_other_parameters",
		ask: func(p *portable) string {
			p.launch(func(in *ec2.RunInstancesInput) { in.ClientToken = new("other") })
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.ClientToken, in.InstanceType = new("other"), "c7i.xlarge" })
			return answer
		},
		ec2: "IdempotentParameterMismatch", moto: "1 launched", doc: idempotent,
	},
	{
		name: "client_token_as_a_filter",
		ask: func(p *portable) string {
			p.launch(func(in *ec2.RunInstancesInput) { in.ClientToken = new("filtered") })
			return p.described("client-token", "filtered")
		},
		ec2: "1 found", moto: "HTTP 500", doc: reference + "DescribeInstances, Filter",
	},
	{
		name: "reservation_as_a_filter",
		ask:  func(p *portable) string { return p.described("reservation-id", "r-0123456789abcdef0") },
		ec2:  "0 found", moto: "HTTP 500", doc: reference + "DescribeInstances, Filter",
	},
	{
		name: "unknown_filter",
		ask:  func(p *portable) string { return p.described("shoe-size", "43") },
		ec2:  "InvalidParameterValue", moto: "HTTP 500", doc: errorCodes,
	},
	{
		name: "too_many_filter_values",
		ask: func(p *portable) string {
			var ids []string
			for i := range 201 {
				ids = append(ids, fmt.Sprintf("i-%017x", i))
			}
			return p.described("instance-id", ids...)
		},
		ec2: "FilterLimitExceeded", moto: "0 found", doc: "List and filter your resources: at most 200 values",
	},
	{
		name: "tag_filter_with_wildcards",
		ask: func(p *portable) string {
			p.launch(tagged("colour", "ultra*marine"))
			p.launch(tagged("colour", "ultraviolet"))
			return p.described("tag:colour", "ultra*") + ", " + p.described("tag:colour", `ultra\*marine`) + ", " + p.described("tag:colour", "ultra")
		},
		ec2: "2 found, 1 found, 0 found", doc: "Filter your resources: wildcards",
	},
	{
		name: "between_least_and_most",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = new(int32(2)), new(int32(5)) })
			return answer
		},
		ec2: "5 launched", moto: "2 launched", doc: reference + "RunInstances, MaxCount",
	},
	{
		name: "least_above_most",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = new(int32(5)), new(int32(2)) })
			return answer
		},
		ec2: "InvalidParameterCombination", moto: "5 launched", doc: reference + "RunInstances, MinCount",
	},
	{
		name: "launch_indexes",
		ask: func(p *portable) string {
			got := p.must(func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = new(int32(12)), new(int32(12)) })
			var indexes []int
			for _, i := range got {
				indexes = append(indexes, int(*i.AmiLaunchIndex))
			}
			slices.Sort(indexes)
			return fmt.Sprint(indexes)
		},
		ec2: "[0 1 2 3 4 5 6 7 8 9 10 11]", doc: reference + "Instance, AmiLaunchIndex",
	},
	{
		name: "dry_run",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.DryRun = new(true) })
			return answer
		},
		ec2: "DryRunOperation", doc: reference + "RunInstances, DryRun",
	},
	{
		name: "unknown_image",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.ImageId = new("ami-0123456789abcdef0") })
			return answer
		},
		ec2: "InvalidAMIID.NotFound", moto: "1 launched", doc: errorCodes,
	},
	{
		name: "malformed_image",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.ImageId = new("image-7") })
			return answer
		},
		ec2: "InvalidAMIID.Malformed", moto: "1 launched", doc: errorCodes,
	},
	{
		name: "unknown_type",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.InstanceType = "q9.mega" })
			return answer
		},
		ec2: "InvalidParameterValue", moto: "1 launched", doc: errorCodes,
	},
	{
		name: "type_of_another_architecture",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.InstanceType = "c7g.large" })
			return answer
		},
		ec2: "InvalidParameterValue", moto: "1 launched", doc: errorCodes,
	},
	{
		name: "unknown_key",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.KeyName = new("nobodys") })
			return answer
		},
		ec2: "InvalidKeyPair.NotFound", moto: "1 launched", doc: errorCodes,
	},
	{
		name: "unknown_subnet",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.SubnetId = new("subnet-0123456789abcdef0") })
			return answer
		},
		ec2: "InvalidSubnetID.NotFound", doc: errorCodes,
	},
	{
		name: "unknown_security_group",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.SecurityGroupIds = []string{"sg-0123456789abcdef0"} })
			return answer
		},
		ec2: "InvalidGroup.NotFound", doc: errorCodes,
	},
	{
		name: "user_data_too_large",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.UserData = new(strings.Repeat("AAAA", 6000)) })
			// EC2 is seen to give either code, and the list of codes has both.
			return strings.Replace(answer, "InvalidUserData.Malformed", "InvalidParameterValue", 1)
		},
		ec2: "InvalidParameterValue", moto: "1 launched", doc: "Instance user data: 16 KB before it is encoded",
	},
	{
		name: "reserved_tag",
		ask:  func(p *portable) string { _, answer := p.launch(tagged("aws:mine", "yes")); return answer },
		ec2:  "InvalidParameterValue", moto: "1 launched", doc: "Tag restrictions: the prefix aws: is AWS's",
	},
	{
		name: "too_many_tags",
		ask: func(p *portable) string {
			var pairs []string
			for i := range 51 {
				pairs = append(pairs, fmt.Sprint("key", i), "")
			}
			_, answer := p.launch(tagged(pairs...))
			return answer
		},
		ec2: "TagLimitExceeded", doc: errorCodes,
	},
	{
		name: "unknown_instance",
		ask:  func(p *portable) string { return p.end("i-0123456789abcdef0") },
		ec2:  "InvalidInstanceID.NotFound", doc: errorCodes,
	},
	{
		name: "malformed_instance",
		ask:  func(p *portable) string { return p.end("instance-7") },
		ec2:  "InvalidInstanceID.Malformed", moto: "InvalidInstanceID.NotFound", doc: errorCodes,
	},
	{
		name: "one_unknown_among_others",
		ask: func(p *portable) string {
			got := p.must()
			id := *got[0].InstanceId
			return p.end(id, "i-0123456789abcdef0") + p.other(id)
		},
		ec2: "InvalidInstanceID.NotFound, the other one stays", doc: reference + "TerminateInstances",
	},
	{
		name: "terminated_twice",
		ask: func(p *portable) string {
			got := p.must()
			return p.end(*got[0].InstanceId) + ", " + p.end(*got[0].InstanceId)
		},
		ec2: "granted, granted", doc: reference + "TerminateInstances: it is idempotent",
	},
	{
		name: "protected",
		ask: func(p *portable) string {
			got := p.must()
			return p.protect(*got[0].InstanceId) + ", " + p.end(*got[0].InstanceId)
		},
		ec2: "granted, OperationNotPermitted", doc: "Change instance termination protection",
	},
	{
		name: "protected_by_the_launch",
		ask: func(p *portable) string {
			got := p.must(func(in *ec2.RunInstancesInput) { in.DisableApiTermination = new(true) })
			return p.end(*got[0].InstanceId)
		},
		ec2: "OperationNotPermitted", moto: "granted", doc: reference + "RunInstances, DisableApiTermination",
	},
	{
		name: "protected_in_the_same_zone",
		ask:  func(p *portable) string { return p.besideProtected(0) },
		ec2:  "OperationNotPermitted, the other one stays", moto: "OperationNotPermitted, the other one goes",
		doc: reference + "TerminateInstances, whose example this is",
	},
	{
		name: "protected_in_another_zone",
		ask:  func(p *portable) string { return p.besideProtected(1) },
		ec2:  "OperationNotPermitted, the other one goes", doc: reference + "TerminateInstances, whose example this is",
	},
	{
		name: "stopping_a_terminated_one",
		ask: func(p *portable) string {
			got := p.must()
			id := *got[0].InstanceId
			p.end(id)
			p.await(id, types.InstanceStateNameTerminated)
			_, err := p.raw.StopInstances(p.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
			return word(err)
		},
		ec2: "IncorrectInstanceState", moto: "granted", doc: errorCodes,
	},
	{
		name: "page_of_named_ones",
		ask: func(p *portable) string {
			got := p.must()
			_, err := p.raw.DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{
				InstanceIds: []string{*got[0].InstanceId}, MaxResults: new(int32(10)),
			})
			return word(err)
		},
		ec2: "InvalidParameterCombination", doc: reference + "DescribeInstances, MaxResults",
	},
	{
		name: "page_of_one",
		ask: func(p *portable) string {
			_, err := p.raw.DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{MaxResults: new(int32(1))})
			return word(err)
		},
		ec2: "InvalidParameterValue", moto: "granted", doc: reference + "DescribeInstances, MaxResults: between 5 and 1000",
	},
	{
		name: "page_within_a_reservation",
		ask: func(p *portable) string {
			in := &ec2.DescribeInstancesInput{MaxResults: new(int32(5)), Filters: []types.Filter{{Name: new("tag:page"), Values: []string{"five"}}}}
			p.launch(tagged("page", "five"), func(in *ec2.RunInstancesInput) { in.MinCount, in.MaxCount = new(int32(12)), new(int32(12)) })
			p.settle("tag:page", "five", 12)
			out, err := p.raw.DescribeInstances(p.Context(), in)
			if err != nil {
				return word(err)
			}
			n := 0
			for _, r := range out.Reservations {
				n += len(r.Instances)
			}
			return fmt.Sprint(n, " found")
		},
		ec2: "5 found", moto: "12 found", doc: reference + "DescribeInstances, MaxResults",
	},
	{
		name: "wrong_page",
		ask: func(p *portable) string {
			_, err := p.raw.DescribeInstances(p.Context(), &ec2.DescribeInstancesInput{NextToken: new("nonsense")})
			return word(err)
		},
		ec2: "InvalidParameterValue", moto: "HTTP 500", doc: errorCodes,
	},
	{
		name: "root_volume_snapshot",
		ask: func(p *portable) string {
			v, answer := p.rootVolume(func(*ec2.RunInstancesInput) {})
			switch {
			case answer != "":
				return answer
			case v.SnapshotId == nil || *v.SnapshotId == "":
				return "none"
			case *v.SnapshotId == *rootOf(p.image).SnapshotId:
				return "the image's"
			}
			return "another one"
		},
		ec2: "the image's", moto: "none", doc: reference + "Volume, SnapshotId",
	},
	{
		name: "root_volume_size",
		ask: func(p *portable) string {
			v, answer := p.rootVolume(func(*ec2.RunInstancesInput) {})
			if answer != "" {
				return answer
			}
			if *v.Size == *rootOf(p.image).VolumeSize {
				return "the image's"
			}
			return "another one"
		},
		ec2: "the image's", moto: "another one", doc: "Block device mappings for volumes on EC2 instances",
	},
	{
		name: "root_device_without_size",
		ask: func(p *portable) string {
			v, answer := p.rootVolume(func(in *ec2.RunInstancesInput) {
				in.BlockDeviceMappings = []types.BlockDeviceMapping{{
					DeviceName: p.image.RootDeviceName, Ebs: &types.EbsBlockDevice{DeleteOnTermination: new(true)},
				}}
			})
			if answer != "" {
				return answer
			}
			if *v.Size == *rootOf(p.image).VolumeSize && *v.SnapshotId == *rootOf(p.image).SnapshotId {
				return "the image's"
			}
			return "another one"
		},
		ec2: "the image's", moto: "MissingParameter", doc: "Preserve data when an instance is terminated, whose example is this mapping",
	},
	{
		name: "efa_interface",
		ask: func(p *portable) string {
			got, answer := p.launch(func(in *ec2.RunInstancesInput) {
				in.InstanceType, in.SubnetId = "hpc7a.96xlarge", nil
				in.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{
					DeviceIndex: new(int32(0)), SubnetId: p.subnets[1].SubnetId, InterfaceType: new("efa"), Groups: []string{p.group},
				}}
			})
			if len(got) == 0 || len(got[0].NetworkInterfaces) == 0 {
				return answer
			}
			return *got[0].NetworkInterfaces[0].InterfaceType
		},
		ec2: "efa", moto: "interface", doc: reference + "InstanceNetworkInterface, InterfaceType",
	},
	{
		name: "spot_request",
		ask: func(p *portable) string {
			got, answer := p.launch(func(in *ec2.RunInstancesInput) {
				in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot}
			})
			if len(got) == 0 {
				return answer
			}
			return fmt.Sprintf("%s, request %v", got[0].InstanceLifecycle, got[0].SpotInstanceRequestId != nil)
		},
		ec2: "spot, request true", moto: "spot, request false", doc: reference + "Instance, SpotInstanceRequestId",
	},
	{
		name: "placement_groups",
		ask: func(p *portable) string {
			_, err := p.raw.DescribePlacementGroups(p.Context(), &ec2.DescribePlacementGroupsInput{})
			return word(err)
		},
		ec2: "granted", moto: "HTTP 500", doc: reference + "DescribePlacementGroups",
	},
	{
		name: "unknown_placement_group",
		ask: func(p *portable) string {
			_, answer := p.launch(func(in *ec2.RunInstancesInput) { in.Placement = &types.Placement{GroupName: new("nobodys")} })
			return answer
		},
		ec2: "InvalidPlacementGroup.Unknown", moto: "1 launched", doc: errorCodes,
	},
	{
		name: "capacity_reservations",
		ask: func(p *portable) string {
			_, err := p.raw.DescribeCapacityReservations(p.Context(), &ec2.DescribeCapacityReservationsInput{})
			return word(err)
		},
		ec2: "granted", moto: "HTTP 500", doc: reference + "DescribeCapacityReservations",
	},
	{
		name: "tags_of_an_unknown_instance",
		ask: func(p *portable) string {
			_, err := p.raw.CreateTags(p.Context(), &ec2.CreateTagsInput{
				Resources: []string{"i-0123456789abcdef0"}, Tags: []types.Tag{{Key: new("a"), Value: new("b")}},
			})
			return word(err)
		},
		ec2: "InvalidInstanceID.NotFound", moto: "granted", doc: errorCodes,
	},
	{
		name: "image_that_is_not_there",
		ask: func(p *portable) string {
			_, err := p.raw.DescribeImages(p.Context(), &ec2.DescribeImagesInput{ImageIds: []string{"ami-0123456789abcdef0"}})
			return word(err)
		},
		ec2: "InvalidAMIID.NotFound", doc: errorCodes,
	},
	{
		name: "type_c7i_large",
		ask:  func(p *portable) string { return p.facts("c7i.large") },
		ec2:  "2 vCPU, 4096 MiB, EFA 0 on 1, [x86_64] [cluster partition spread] [on-demand spot]",
		doc:  reference + "DescribeInstanceTypes",
	},
	{
		name: "type_c7g_large",
		ask:  func(p *portable) string { return p.facts("c7g.large") },
		ec2:  "2 vCPU, 4096 MiB, EFA 0 on 1, [arm64] [cluster partition spread] [on-demand spot]",
		doc:  reference + "DescribeInstanceTypes",
	},
	{
		name: "type_t3_micro",
		ask:  func(p *portable) string { return p.facts("t3.micro") },
		ec2:  "2 vCPU, 1024 MiB, EFA 0 on 1, [x86_64] [partition spread] [on-demand spot], burstable",
		doc:  reference + "DescribeInstanceTypes",
	},
	{
		name: "type_hpc6id_32xlarge",
		ask:  func(p *portable) string { return p.facts("hpc6id.32xlarge") },
		ec2:  "64 vCPU, 1048576 MiB, EFA 2 on 2, [x86_64] [cluster partition spread] [on-demand]",
		doc:  reference + "DescribeInstanceTypes",
	},
	{
		name: "type_hpc7g_16xlarge",
		ask:  func(p *portable) string { return p.facts("hpc7g.16xlarge") },
		ec2:  "64 vCPU, 131072 MiB, EFA 1 on 1, [arm64] [cluster partition spread] [on-demand]",
		doc:  reference + "DescribeInstanceTypes",
	},
	{
		name: "key_that_is_there_twice",
		ask: func(p *portable) string {
			_, err := p.raw.CreateKeyPair(p.Context(), &ec2.CreateKeyPairInput{KeyName: new(p.key)})
			return word(err)
		},
		ec2: "InvalidKeyPair.Duplicate", doc: errorCodes,
	},
}
