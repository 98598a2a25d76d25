package fleet_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"cluster/fleet"
	"cluster/fleet/ec2sim"
)

// Every code that a launch can meet, by what the launcher does about it.
var codes = map[fleet.Class]string{
	fleet.Capacity: `InsufficientInstanceCapacity InsufficientHostCapacity InsufficientCapacityOnHost
		InsufficientReservedInstanceCapacity ReservationCapacityExceeded UnfulfillableCapacity SpotMaxPriceTooLow
		Unsupported InsufficientFreeAddressesInSubnet InsufficientVolumeCapacity InsufficientCapacity
		InsufficientAddressCapacity`,
	fleet.Quota: `MaxSpotInstanceCountExceeded VcpuLimitExceeded InstanceLimitExceeded MaxFleetCountExceeded
		ResourceCountExceeded VolumeLimitExceeded MaxIOPSLimitExceeded NetworkInterfaceLimitExceeded
		PlacementGroupLimitExceeded`,
	fleet.Throttled: `RequestLimitExceeded Throttling ThrottlingException EC2ThrottledException BandwidthLimitExceeded`,
	fleet.Transient: `InternalError InternalFailure ServiceUnavailable Unavailable ServerInternal ConcurrentTagAccess`,
	fleet.Spec: `InvalidAMIID.NotFound InvalidAMIID.Unavailable InvalidAMIID.Malformed InvalidAMIName.Duplicate
		InvalidSnapshot.NotFound InvalidBlockDeviceMapping InvalidParameterCombination InvalidParameterValue
		MissingParameter InvalidParameter InvalidSubnetID.NotFound InvalidGroup.NotFound InvalidKeyPair.NotFound
		InvalidPlacementGroup.Unknown InvalidLaunchTemplateId.NotFound InvalidLaunchTemplateName.NotFoundException
		InvalidCapacityReservationId.NotFound InvalidUserData.Malformed`,
	fleet.Permission: `UnauthorizedOperation AuthFailure AuthFailure.ServiceLinkedRoleCreationNotPermitted OptInRequired
		PendingVerification Blocked RequestExpired SignatureDoesNotMatch OperationNotPermitted ExpiredToken`,
	fleet.Token:   `IdempotentInstanceTerminated IdempotentParameterMismatch`,
	fleet.Stale:   `InvalidInstanceID.NotFound`,
	fleet.Bug:     `FilterLimitExceeded`,
	fleet.Unknown: `SomethingNobodyHasSeen`,
}

func TestEveryCodeHasItsClassAndAdvice(t *testing.T) {
	for class, list := range codes {
		for code := range strings.FieldsSeq(list) {
			if got := fleet.ClassOf(code); got != class {
				t.Errorf("%s is %s, want %s", code, got, class)
			}
			if class != fleet.Unknown && class != fleet.Token && fleet.Advice(code) == "" {
				t.Errorf("%s comes without advice", code)
			}
		}
	}
}

// What is repeated, and how often, is decided by the code and not by the HTTP status: EC2 sends
// capacity errors with status 500.
func TestOnlyThrottledAndTransientCallsAreRepeated(t *testing.T) {
	for code, attempts := range map[string]int{
		"RequestLimitExceeded":         12,
		"InternalError":                5,
		"InsufficientInstanceCapacity": 1,
		"UnauthorizedOperation":        1,
		"SomethingNobodyHasSeen":       1,
	} {
		t.Run(code, func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				w.region.Inject(ec2sim.Fault{Action: "DescribeInstances", Code: code, Status: 500})
				l := w.launcher()
				_, err := l.Observe(w.Context(), cluster(1), fleet.Nodes)
				e, ok := errors.AsType[*fleet.CallError](err)
				if !ok || e.Code != code || e.Request == "" {
					w.Fatalf("got %#v", err)
				}
				if n, _ := l.Session.Calls(); n != attempts {
					w.Errorf("%d attempts, want %d", n, attempts)
				}
			})
		})
	}
}

func TestCallsWithoutAnAnswerAreSortedByHowTheyFailed(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fleet.Class
	}{
		{io.ErrUnexpectedEOF, fleet.Transient},
		{&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}, fleet.Transient},
		{&net.DNSError{Err: "no such host", Name: "ec2.mars-1.amazonaws.com", IsNotFound: true}, fleet.Spec},
		{&fleet.CredentialsError{Err: errors.New("no providers")}, fleet.Permission},
		{errors.New("something else"), fleet.Unknown},
	} {
		t.Run(fmt.Sprint(c.want, " ", c.err), func(t *testing.T) {
			inWorld(t, ec2sim.Options{}, func(w *world) {
				w.client = failing{c.err}
				_, err := w.launcher().Observe(w.Context(), cluster(1), fleet.Nodes)
				if e, ok := errors.AsType[*fleet.CallError](err); !ok || e.Class != c.want {
					w.Errorf("got %#v, want class %s", err, c.want)
				}
			})
		})
	}
}

// failing is a network on which every request fails.
type failing struct{ err error }

func (f failing) Do(*http.Request) (*http.Response, error) { return nil, f.err }
