package fleet

import "strings"

// A Cause is what EC2's reason for the end of an instance comes down to. The zero Cause is a reason that
// holds no code of EC2's.
type Cause struct {
	Code   string // Client.VolumeLimitExceeded
	Class  Class  // Unknown for a code that is in no table
	Advice string // what a person can do: a sentence or two, or empty
}

// deaths is the one table of the codes that an instance's state reason may have, from StateReason in the EC2 API
// Reference and "Troubleshoot Amazon EC2 instance launch issues" in the User Guide. What stands for
// anything comes last: of two codes the first in the table names the cause.
var deaths = []struct {
	code   string // with a dot at its end: every code that begins so
	class  Class
	advice string
}{
	{"Client.VolumeLimitExceeded", Quota, classes["VolumeLimitExceeded"].advice},
	{"Client.MaxIOPSLimitExceeded", Quota, classes["MaxIOPSLimitExceeded"].advice},
	{"Client.InvalidKMSKey.", Permission, "The KMS key of a volume is disabled, is about to be deleted, or is no key to encrypt with. Enable it, or name another one " +
		"as root_volume.kms_key_id."},
	{"Client.InvalidSnapshot.NotFound", Spec, "A snapshot that a volume is made from is gone. Name another image."},
	{"Client.InvalidInstanceStore.NotFound", Spec, adviseSpec},
	{"Server.InsufficientInstanceCapacity", Capacity, adviseCapacity},
	{"Server.SpotInstanceTermination", Capacity, "EC2 took the Spot instance back. Run the command again, or set market = \"on-demand\"."},
	{"Server.SpotInstanceShutdown", Capacity, "EC2 took the Spot instance back. Run the command again, or set market = \"on-demand\"."},
	{"Server.ScheduledStop", Transient, adviseTransient},
	{"Client.InstanceInitiatedShutdown", Spec, "The node shut itself down. Look at user_data, and at what the image does at its first boot."},
	{"Client.InstanceTerminated", Spec, "The node ended itself. Look at user_data, and at what the image does at its first boot."},
	{"Client.UserInitiatedShutdown", Stale, "Somebody terminated it. Run the command again."},
	// The User Guide names one reason for this one, that a volume cannot be decrypted.
	{"Client.InternalError", Permission, "In most cases EC2 may not use the KMS key of an encrypted volume. Who launches needs kms:CreateGrant, kms:Decrypt, " +
		"kms:DescribeKey, kms:GenerateDataKeyWithoutPlaintext and kms:ReEncrypt* on it, in the key's policy too if the image is another account's."},
	{"Server.InternalError", Transient, "EC2 had trouble with the instance. If it happens again, the image may not start on this type."},
}

// CauseOf finds the cause in a state reason, "Code: Message". The message may begin with another code, and then
// the two often disagree: the User Guide's own example is Server.InternalError with the message
// "Client.VolumeLimitExceeded: Volume limit exceeded". The code that says more counts.
func CauseOf(reason string) Cause {
	var codes []string
	for part := range strings.SplitSeq(reason, ": ") {
		if strings.ContainsAny(part, " \t\n") {
			continue
		}
		if strings.HasPrefix(part, "Client.") || strings.HasPrefix(part, "Server.") {
			codes = append(codes, part)
		}
	}
	for _, d := range deaths {
		for _, code := range codes {
			if code == d.code || strings.HasSuffix(d.code, ".") && strings.HasPrefix(code, d.code) {
				return Cause{code, d.class, d.advice}
			}
		}
	}
	if len(codes) > 0 {
		return Cause{Code: codes[0], Class: Unknown}
	}
	return Cause{}
}
