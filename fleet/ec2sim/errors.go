package ec2sim

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// apiError is an answer that says no. Status 0 means the code's own.
type apiError struct {
	Code, Message string
	Status        int
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error makes the error that a Hook returns to have a request refused with a code of EC2's. Status 0
// means the HTTP status that EC2 sends with the code.
func Error(code, message string, status int) error {
	return &apiError{Code: code, Message: message, Status: status}
}

// statuses holds the HTTP status of the codes that are not a plain 400. The SDK repeats calls by status,
// so that InsufficientInstanceCapacity is 500 decides how clients behave.
var statuses = map[string]int{
	"AuthFailure":                           401,
	"BandwidthLimitExceeded":                503,
	"DryRunOperation":                       412,
	"EC2ThrottledException":                 503,
	"InsufficientAddressCapacity":           500,
	"InsufficientCapacity":                  500,
	"InsufficientHostCapacity":              500,
	"InsufficientInstanceCapacity":          500,
	"InsufficientReservedInstanceCapacity":  500,
	"InsufficientVolumeCapacity":            500,
	"InternalError":                         500,
	"InternalFailure":                       500,
	"RequestLimitExceeded":                  503,
	"ServerInternal":                        500,
	"ServiceUnavailable":                    503,
	"Unavailable":                           503,
	"UnauthorizedOperation":                 403,
	"AuthFailure.UnauthorizedOperation":     403,
	"SignatureDoesNotMatch":                 403,
	"OptInRequired":                         401,
	"PendingVerification":                   403,
	"InsufficientInstanceCapacity.Reserved": 500,
}

func (e *apiError) status() int {
	return cmp.Or(e.Status, statuses[e.Code], http.StatusBadRequest)
}

// kinds describes the ids of the region's resources: what they begin with, and how EC2 refuses them.
type kind struct {
	prefix    string
	noun      string
	malformed string // error code; "" if EC2 says not found instead
	notFound  string
	missing   string // the sentence for one that is not there
}

var (
	instanceKind = kind{"i-", "instance", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "The instance ID '%s' does not exist"}
	imageKind    = kind{"ami-", "image", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "The image id '[%s]' does not exist"}
	subnetKind   = kind{"subnet-", "subnet", "", "InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist"}
	groupKind    = kind{"sg-", "security-group", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "The security group '%s' does not exist"}
	volumeKind   = kind{"vol-", "volume", "InvalidVolumeID.Malformed", "InvalidVolume.NotFound", "The volume '%s' does not exist."}
	snapshotKind = kind{"snap-", "snapshot", "InvalidSnapshotID.Malformed", "InvalidSnapshot.NotFound", "The snapshot '%s' does not exist."}
	vpcKind      = kind{"vpc-", "vpc", "", "InvalidVpcID.NotFound", "The vpc ID '%s' does not exist"}
	keyKind      = kind{"key-", "key-pair", "", "InvalidKeyPair.NotFound", "The key pair '%s' does not exist"}
	bookingKind  = kind{"cr-", "capacity-reservation", "InvalidCapacityReservationId.Malformed", "InvalidCapacityReservationId.NotFound", "The capacity reservation '%s' does not exist."}
	templateKind = kind{"lt-", "launch-template", "InvalidLaunchTemplateId.Malformed", "InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID %s, does not exist."}
	placeKind    = kind{"pg-", "placement-group", "", "InvalidPlacementGroup.Unknown", "The Placement Group '%s' is unknown."}
)

// check tells a malformed id from one that could exist.
func (k kind) check(id string) error {
	hex, ok := strings.CutPrefix(id, k.prefix)
	if ok && (len(hex) == 8 || len(hex) == 17) && strings.Trim(hex, "0123456789abcdef") == "" {
		return nil
	}
	if k.malformed == "" {
		return k.absent(id)
	}
	return fail(k.malformed, "Invalid id: \"%s\" (expecting \"%s...\")", id, k.prefix)
}

// absent is the error for ids that are not there.
func (k kind) absent(ids ...string) error {
	if len(ids) == 1 {
		return fail(k.notFound, k.missing, ids[0])
	}
	plural := strings.NewReplacer("ID '", "IDs '", "id '", "ids '", "volume '", "volumes '", "snapshot '", "snapshots '",
		"group '", "groups '", "pair '", "pairs '", "Group '", "Groups '", "reservation '", "reservations '", "does not", "do not", "is unknown", "are unknown")
	return fail(k.notFound, plural.Replace(k.missing), strings.Join(ids, ", "))
}
