package fleet_test

import (
	"strings"
	"testing"

	"cluster/fleet"
)

// The cause is found in the code or in the message, whichever says more.
func TestCauseOfDeath(t *testing.T) {
	for reason, want := range map[string]struct {
		code   string
		class  fleet.Class
		advice string // a part of it
	}{
		"Server.InternalError: Client.VolumeLimitExceeded: Volume limit exceeded": {"Client.VolumeLimitExceeded", fleet.Quota, "volume quota"},
		"Client.VolumeLimitExceeded: Volume limit exceeded":                       {"Client.VolumeLimitExceeded", fleet.Quota, "volume quota"},
		"Client.InvalidKMSKey.InvalidState: The KMS key provided is in an incorrect state": {
			"Client.InvalidKMSKey.InvalidState", fleet.Permission, "disabled"},
		"Client.InternalError: Client error on launch":                                       {"Client.InternalError", fleet.Permission, "kms:CreateGrant"},
		"Server.InternalError: Internal error on launch":                                     {"Server.InternalError", fleet.Transient, "the image may not start"},
		"Server.InsufficientInstanceCapacity: There is no room":                              {"Server.InsufficientInstanceCapacity", fleet.Capacity, "instance_types"},
		"Client.InstanceInitiatedShutdown: Instance initiated shutdown":                      {"Client.InstanceInitiatedShutdown", fleet.Spec, "user_data"},
		"Client.UserInitiatedShutdown: User initiated shutdown: User initiated (2026-11-26)": {"Client.UserInitiatedShutdown", fleet.Stale, "Somebody"},
		"Client.NobodyKnows: Something":                                                      {"Client.NobodyKnows", fleet.Unknown, ""},
		"status checks failed: system":                                                       {},
		"Client error on launch":                                                             {},
		"":                                                                                   {},
	} {
		got := fleet.CauseOf(reason)
		if got.Code != want.code || got.Class != want.class || !strings.Contains(got.Advice, want.advice) || (want.advice == "") != (got.Advice == "") {
			t.Errorf("%q is %+v, want %+v", reason, got, want)
		}
	}
}
