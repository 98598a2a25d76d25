package ec2sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// tokenLife is how long a client token is remembered, from its use and from the end of its instances.
const tokenLife = 24 * time.Hour

// token is what a client token of RunInstances was used for.
type token struct {
	Hash   string // of the parameters
	Launch string // the reservation; "" for a call that failed after it was found good
	Until  time.Time
}

// tokenKey is where a call's token is looked up. A call that names a zone, or a subnet, has its token to
// itself in that zone: the same token launches once in each.
func tokenKey(in *ec2.RunInstancesInput, zone string) string {
	return *in.ClientToken + " " + zone
}

// parameterHash covers every parameter except the token, the zone and whether it is a dry run.
func parameterHash(in *ec2.RunInstancesInput) string {
	c := *in
	c.ClientToken, c.DryRun = nil, nil
	if c.Placement != nil {
		p := *c.Placement
		p.AvailabilityZone, p.AvailabilityZoneId = nil, nil
		c.Placement = &p
	}
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

// replay answers a call whose client token was used before: with what it launched then, or with an error.
// It returns nil and no error for a call that is new.
func (w *world) replay(in *ec2.RunInstancesInput, zone string) (*ec2.RunInstancesOutput, error) {
	if value(in.ClientToken) == "" {
		return nil, nil
	}
	if len(*in.ClientToken) > 64 {
		return nil, fail("InvalidParameterValue", "The client token is longer than 64 characters.")
	}
	t := w.Tokens[tokenKey(in, zone)]
	switch {
	case t == nil:
		return nil, nil
	case t.Hash != parameterHash(in):
		return nil, fail("IdempotentParameterMismatch", "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	case t.Launch == "":
		return nil, nil
	}
	out, alive := w.reservation(t.Launch)
	if len(out.Instances) == 0 || !alive && w.r.o.DeadTokenFails {
		return nil, fail("IdempotentInstanceTerminated", "The client token you have provided is associated with a terminated instance. Please use a different client token.")
	}
	return out, nil
}

// bind remembers what a call's token stands for now.
func (w *world) bind(in *ec2.RunInstancesInput, zone, launch string) {
	if value(in.ClientToken) != "" {
		w.Tokens[tokenKey(in, zone)] = &token{Hash: parameterHash(in), Launch: launch, Until: w.now.Add(tokenLife)}
	}
}
