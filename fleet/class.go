package fleet

import (
	"context"
	"errors"
	"io"
	"net"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// Class sorts what EC2 answers by what can be done about it.
type Class string

const (
	Capacity   Class = "capacity"   // no room here now: the next rung, or later
	Quota      Class = "quota"      // the account's limit: ask AWS for more, or ask for less
	Throttled  Class = "throttled"  // too many requests: the same call again, later
	Permission Class = "permission" // not allowed: stop
	Spec       Class = "spec"       // the file asks for what cannot be: stop
	Transient  Class = "transient"  // EC2's own trouble or the network's: the same call again, same token
	Stale      Class = "stale"      // about something that is gone, or not to be seen yet: look again
	Token      Class = "token"      // the client token belongs to instances that are gone: the next attempt's token
	Bug        Class = "bug"        // a mistake of this program
	Unknown    Class = "unknown"    // not in the table: never retried
)

// classes is the one table of EC2's error codes, from "Error codes for the Amazon EC2 API". The
// class decides what the launcher does, the advice what a person can do.
var classes = map[string]struct {
	class  Class
	advice string
}{
	"InsufficientInstanceCapacity":         {Capacity, adviseCapacity},
	"InsufficientCapacity":                 {Capacity, adviseCapacity},
	"InsufficientHostCapacity":             {Capacity, adviseCapacity},
	"InsufficientCapacityOnHost":           {Capacity, adviseCapacity},
	"InsufficientReservedInstanceCapacity": {Capacity, adviseCapacity},
	"InsufficientVolumeCapacity":           {Capacity, adviseCapacity},
	"InsufficientAddressCapacity":          {Capacity, adviseCapacity},
	"ReservationCapacityExceeded":          {Capacity, "The capacity reservation has no room left for this group. Lower count, or free the reservation."},
	"UnfulfillableCapacity":                {Capacity, adviseCapacity},
	"SpotMaxPriceTooLow":                   {Capacity, "Spot costs more than offered right now. Wait, add an instance type, or set market = \"on-demand\"."},
	"Unsupported":                          {Capacity, "This type cannot be had there with these settings. Add another subnet to network.subnets, or another type to instance_types."},
	"InsufficientFreeAddressesInSubnet":    {Capacity, "The subnet has too few free addresses. Add a larger subnet to network.subnets."},

	"VcpuLimitExceeded":             {Quota, "The account's vCPU quota for this family of types is reached. Ask for more under Service Quotas, EC2, or lower count. Instances terminated a moment ago still count for a while."},
	"InstanceLimitExceeded":         {Quota, "The account's instance quota is reached. Ask for more under Service Quotas, EC2, or lower count. Instances terminated a moment ago still count for a while."},
	"MaxSpotInstanceCountExceeded":  {Quota, "The account's Spot quota is reached. Ask for more under Service Quotas, EC2, or set market = \"on-demand\"."},
	"MaxFleetCountExceeded":         {Quota, "The account's fleet quota is reached. Ask for more under Service Quotas, EC2."},
	"VolumeLimitExceeded":           {Quota, "The account's volume quota is reached. Delete volumes, or ask for more under Service Quotas, EBS."},
	"MaxIOPSLimitExceeded":          {Quota, "The account's IOPS quota is reached. Lower root_volume.iops, or ask for more under Service Quotas, EBS."},
	"NetworkInterfaceLimitExceeded": {Quota, "The account's quota of network interfaces is reached. Ask for more under Service Quotas, VPC."},
	"PlacementGroupLimitExceeded":   {Quota, "The account has as many placement groups as it may (500 a region). Delete some that nobody uses."},
	"ResourceLimitExceeded":         {Quota, "An account limit is reached. The message names it; ask for more under Service Quotas."},
	"ResourceCountExceeded":         {Quota, "EC2 allows fewer instances in one request than this group needs."},
	"TagLimitExceeded":              {Spec, "EC2 allows 50 tags on a resource. Remove some from tags."},
	"RequestLimitExceeded":          {Throttled, adviseThrottled},
	"RequestThrottled":              {Throttled, adviseThrottled},
	"RequestThrottledException":     {Throttled, adviseThrottled},
	"Throttling":                    {Throttled, adviseThrottled},
	"ThrottlingException":           {Throttled, adviseThrottled},
	"ThrottledException":            {Throttled, adviseThrottled},
	"EC2ThrottledException":         {Throttled, adviseThrottled},
	"TooManyRequestsException":      {Throttled, adviseThrottled},
	"BandwidthLimitExceeded":        {Throttled, adviseThrottled},
	"InternalError":                 {Transient, adviseTransient},
	"InternalFailure":               {Transient, adviseTransient},
	"ServerInternal":                {Transient, adviseTransient},
	"ServiceUnavailable":            {Transient, adviseTransient},
	"Unavailable":                   {Transient, adviseTransient},
	"RequestTimeout":                {Transient, adviseTransient},
	"ConcurrentTagAccess":           {Transient, adviseTransient},
	"IncorrectInstanceState":        {Stale, "The instance is in the middle of a change. Run the command again."},
	"InvalidInstanceID.NotFound":    {Stale, "The instance is gone, or too young to be seen. Run the command again."},
	"InvalidInstanceID.Malformed":   {Bug, adviseBug},
	"IdempotentInstanceTerminated":  {Token, ""},
	"IdempotentParameterMismatch":   {Token, ""},
	"FilterLimitExceeded":           {Bug, adviseBug},
	"InvalidFilter":                 {Bug, adviseBug},
	"InvalidPaginationToken":        {Bug, adviseBug},
	"InvalidNextToken":              {Bug, adviseBug},
	"InvalidAction":                 {Bug, "The endpoint does not know this action. If it is not EC2, it lacks a part that cluster needs."},
	"UnknownParameter":              {Bug, adviseBug},
	"InvalidClientToken":            {Bug, adviseBug},
	"MalformedQueryString":          {Bug, adviseBug},
	"MissingAction":                 {Bug, adviseBug},

	"UnauthorizedOperation":      {Permission, "The credentials lack the permission for this call, or the image is not shared with this account. aws sts decode-authorization-message explains the encoded part."},
	"OperationNotPermitted":      {Permission, "Something is protected: an instance from termination, which aws ec2 modify-instance-attribute --no-disable-api-termination switches off; or an image, which cluster image protect --off does."},
	"AuthFailure":                {Permission, adviseCredentials},
	"InvalidClientTokenId":       {Permission, adviseCredentials},
	"ExpiredToken":               {Permission, "The credentials have expired. Log in again, and run the same command again: it goes on where it stopped."},
	"ExpiredTokenException":      {Permission, "The credentials have expired. Log in again, and run the same command again: it goes on where it stopped."},
	"RequestExpired":             {Permission, "The computer's clock is off, or the credentials have expired."},
	"SignatureDoesNotMatch":      {Permission, adviseCredentials},
	"IncompleteSignature":        {Permission, adviseCredentials},
	"MissingAuthenticationToken": {Permission, adviseCredentials},
	"OptInRequired":              {Permission, "The account is not subscribed to this service, image or region."},
	"PendingVerification":        {Permission, "AWS is still verifying the account for this region. It takes minutes to hours."},
	"Blocked":                    {Permission, "AWS has blocked the account. Only AWS Support can help."},
	"AccountDisabled":            {Permission, "AWS has disabled the account. Only AWS Support can help."},
	"AuthFailure.ServiceLinkedRoleCreationNotPermitted": {Permission, "Spot needs a service-linked role, and these credentials may not create it. Ask an administrator to create AWSServiceRoleForEC2Spot once."},

	"DryRunOperation":                             {Bug, adviseBug},
	"InvalidAMIID.NotFound":                       {Spec, "The image does not exist in this region, or is not shared with this account."},
	"InvalidAMIID.Unavailable":                    {Spec, "The image is deregistered, disabled, or not finished. Name another one."},
	"InvalidAMIID.Malformed":                      {Spec, "An image id is ami- and 8 or 17 hexadecimal digits."},
	"InvalidAMIName.Duplicate":                    {Spec, "An image of this name exists. Choose another name or version."},
	"InvalidSnapshot.NotFound":                    {Spec, "The image's snapshot is gone. Name another image."},
	"InvalidBlockDeviceMapping":                   {Spec, "The root_volume block does not fit the image: its size must be at least the snapshot's."},
	"InvalidParameterCombination":                 {Spec, adviseSpec},
	"InvalidParameterValue":                       {Spec, adviseSpec},
	"InvalidParameter":                            {Spec, adviseSpec},
	"MissingParameter":                            {Spec, adviseSpec},
	"InvalidInput":                                {Spec, adviseSpec},
	"InvalidRequest":                              {Spec, adviseSpec},
	"InvalidUserData.Malformed":                   {Spec, "EC2 takes at most 16 KiB of user data. Fetch the rest from the node."},
	"InvalidSubnetID.NotFound":                    {Spec, "The subnet does not exist in this region. Check network.subnets."},
	"InvalidSubnet":                               {Spec, "The subnet cannot be used. Check network.subnets."},
	"InvalidVpcID.NotFound":                       {Spec, "The VPC is gone. Check network.subnets."},
	"InvalidGroup.NotFound":                       {Spec, "The security group does not exist in the subnet's VPC. Check network.security_groups."},
	"InvalidSecurityGroupID.NotFound":             {Spec, "The security group does not exist in this region. Check network.security_groups."},
	"InvalidKeyPair.NotFound":                     {Spec, "The key pair does not exist in this region. Check network.key_name."},
	"InvalidInstanceType":                         {Spec, "The instance type does not exist in this region."},
	"InvalidPlacementGroup.Unknown":               {Spec, "The placement group is gone. Run the command again: it is made anew."},
	"InvalidPlacementGroup.Duplicate":             {Spec, "A placement group of this name exists, and it is not this cluster's."},
	"InvalidPlacementGroup.InUse":                 {Stale, "The placement group still has instances. Run the command again in a moment."},
	"InvalidLaunchTemplateId.NotFound":            {Spec, adviseSpec},
	"InvalidLaunchTemplateName.NotFoundException": {Spec, adviseSpec},
	"InvalidCapacityReservationId.NotFound":       {Spec, "The capacity reservation does not exist in this region."},
	"InvalidZone.NotFound":                        {Spec, "The zone does not exist in this region."},
	"InvalidVolume.NotFound":                      {Stale, "The volume is gone, or too young to be seen. Run the command again."},
	"InvalidID":                                   {Spec, adviseSpec},
	"InvalidTagKey.Malformed":                     {Spec, "A tag key has characters that instance metadata refuses."},
}

const (
	adviseCapacity    = "Add another type to instance_types or another subnet to network.subnets, accept fewer nodes with launch { min = … }, or try again later."
	adviseThrottled   = "The account's request limit is used up, by this or by other programs. Try again in a minute, or have the limit raised under Service Quotas."
	adviseTransient   = "EC2 or the network had trouble. Run the same command again: it goes on where it stopped."
	adviseCredentials = "AWS does not accept the credentials. Check the profile or the AWS_ variables, and log in again."
	adviseSpec        = "EC2 does not accept what the file asks for; its message says what."
	adviseBug         = "This is a mistake in cluster itself. Please report it, with the message."
)

// ClassOf is the class of an EC2 error code; Unknown for one that the table does not have.
func ClassOf(code string) Class {
	if e, ok := classes[code]; ok {
		return e.class
	}
	return Unknown
}

// Advice is what a person can do about an EC2 error code: a sentence or two, or empty.
func Advice(code string) string { return classes[code].advice }

// classify sorts an SDK error, by code and never by message; what came without a code goes by how
// it failed. All EC2 errors are generic API errors: the SDK models none.
func classify(err error) *CallError {
	e := &CallError{Class: Unknown, Message: err.Error(), Err: err}
	if r, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		e.Request = r.ServiceRequestID()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
		e.Class = ClassOf(e.Code)
		return e
	}
	if _, ok := errors.AsType[*CredentialsError](err); ok {
		e.Class = Permission
		return e
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		e.Class = Spec
		return e
	}
	_, network := errors.AsType[net.Error](err)
	if network || answered(err) >= 500 || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, context.DeadlineExceeded) {
		e.Class = Transient
	}
	return e
}
