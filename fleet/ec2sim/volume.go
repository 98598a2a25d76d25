package ec2sim

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// volume is a volume that a launch made: it is what the launch's device says, but for what is said here.
type volume struct {
	ID       string
	Launch   string
	Instance string
	Device   int
	Snapshot string    `json:",omitzero"` // the one it was made from, if it is not the device's
	Since    time.Time `json:",omitzero"` // when it was made, if not at the launch
}

// volumeRange is what a volume type allows.
type volumeRange struct{ size, iops, throughput [2]int32 }

var volumeTypes = map[string]volumeRange{
	"gp3":      {[2]int32{1, 65536}, [2]int32{3000, 80000}, [2]int32{125, 2000}},
	"gp2":      {[2]int32{1, 16384}, [2]int32{}, [2]int32{}},
	"io1":      {[2]int32{4, 16384}, [2]int32{100, 64000}, [2]int32{}},
	"io2":      {[2]int32{4, 65536}, [2]int32{100, 256000}, [2]int32{}},
	"st1":      {[2]int32{125, 16384}, [2]int32{}, [2]int32{}},
	"sc1":      {[2]int32{125, 16384}, [2]int32{}, [2]int32{}},
	"standard": {[2]int32{1, 1024}, [2]int32{}, [2]int32{}},
}

// devices lays a launch's block devices over those of its image. The root comes first.
func (w *world) devices(i *image, asked []types.BlockDeviceMapping) ([]device, error) {
	root := *i.RootDeviceName
	mappings := map[string]types.BlockDeviceMapping{}
	names := []string{root}
	for _, m := range slices.Concat(i.BlockDeviceMappings, asked) {
		name := value(m.DeviceName)
		if name == "" {
			return nil, fail("MissingParameter", "The request must contain the parameter DeviceName")
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, m := range i.BlockDeviceMappings {
		mappings[*m.DeviceName] = m
	}
	originals := maps.Clone(mappings)
	seen := map[string]bool{}
	for _, m := range asked {
		name := *m.DeviceName
		if seen[name] {
			return nil, fail("InvalidBlockDeviceMapping", "The device '%s' is used in more than one block-device mapping", name)
		}
		seen[name] = true
		if m.NoDevice != nil {
			if name == root {
				return nil, fail("InvalidBlockDeviceMapping", "The root device '%s' may not be suppressed", name)
			}
			delete(mappings, name)
			continue
		}
		merged, err := overlay(mappings[name], m, name == root)
		if err != nil {
			return nil, err
		}
		mappings[name] = merged
	}
	var all []device
	for _, name := range names {
		m, ok := mappings[name]
		if !ok || m.Ebs == nil {
			// A device without a volume is one of the instance's own disks, which no type here has.
			continue
		}
		d, err := w.device(m, originals[name], name == root)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// overlay is what the launch asks of a device over what the image has.
func overlay(base, asked types.BlockDeviceMapping, root bool) (types.BlockDeviceMapping, error) {
	if asked.Ebs == nil {
		return asked, nil
	}
	e := *asked.Ebs
	if base.Ebs == nil {
		return types.BlockDeviceMapping{DeviceName: asked.DeviceName, Ebs: &e}, nil
	}
	b := *base.Ebs
	if e.SnapshotId != nil && root && *e.SnapshotId != value(b.SnapshotId) {
		return asked, fail("InvalidBlockDeviceMapping", "snapshotId cannot be modified on root device")
	}
	e.SnapshotId = cmp.Or(e.SnapshotId, b.SnapshotId)
	e.VolumeSize = cmp.Or(e.VolumeSize, b.VolumeSize)
	e.Encrypted = cmp.Or(e.Encrypted, b.Encrypted)
	e.DeleteOnTermination = cmp.Or(e.DeleteOnTermination, b.DeleteOnTermination)
	if e.VolumeType == "" || e.VolumeType == b.VolumeType {
		e.VolumeType, e.Iops, e.Throughput = b.VolumeType, cmp.Or(e.Iops, b.Iops), cmp.Or(e.Throughput, b.Throughput)
	}
	return types.BlockDeviceMapping{DeviceName: asked.DeviceName, Ebs: &e}, nil
}

// device checks a volume that is asked for, with what the image has under its name.
func (w *world) device(m, own types.BlockDeviceMapping, root bool) (device, error) {
	e, kept := m.Ebs, "" // the key of the snapshot, if it is ours
	d := device{Name: *m.DeviceName, Snapshot: value(e.SnapshotId), Size: value(e.VolumeSize), Type: string(cmp.Or(e.VolumeType, types.VolumeTypeGp3)),
		IOPS: value(e.Iops), Throughput: value(e.Throughput), Rate: value(e.VolumeInitializationRate), Encrypted: is(e.Encrypted), KMSKey: value(e.KmsKeyId)}
	d.Keep = !root
	if e.DeleteOnTermination != nil {
		d.Keep = !*e.DeleteOnTermination
	}
	if d.Snapshot != "" {
		if err := snapshotKind.check(d.Snapshot); err != nil {
			return d, err
		}
		s := w.Snapshots[d.Snapshot]
		// That the image may be launched is enough to use its snapshots.
		if s == nil || !w.readable(s) && snapshotOf(own) != d.Snapshot {
			return d, snapshotKind.absent(d.Snapshot)
		}
		if state := w.snapshotState(s); state != types.SnapshotStateCompleted {
			return d, fail("IncorrectState", "Snapshot is in invalid state - %s", state)
		}
		d.Size = cmp.Or(d.Size, *s.VolumeSize)
		if d.Size < *s.VolumeSize {
			return d, fail("InvalidBlockDeviceMapping", "Volume of size %dGB is smaller than snapshot '%s', expect size>= %dGB", d.Size, d.Snapshot, *s.VolumeSize)
		}
		if is(s.Encrypted) && e.Encrypted != nil && !*e.Encrypted {
			return d, fail("InvalidParameterCombination", "The volume of the encrypted snapshot '%s' cannot be unencrypted.", d.Snapshot)
		}
		d.Encrypted = d.Encrypted || is(s.Encrypted)
		if is(s.Encrypted) && *s.OwnerId == w.account() {
			kept = value(s.KmsKeyId)
		}
	}
	if d.KMSKey != "" && !is(e.Encrypted) {
		return d, fail("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.")
	}
	if arn, ok := w.key(d.KMSKey); ok {
		d.KMSKey = arn
	} else if d.Encrypted && d.KMSKey == "" {
		d.KMSKey = cmp.Or(kept, defaultKey(w.Name, w.account()))
	}
	return d, d.checkRanges()
}

func (d *device) checkRanges() error {
	r, ok := volumeTypes[d.Type]
	if !ok {
		return fail("InvalidParameterValue", "Invalid value '%s' for VolumeType.", d.Type)
	}
	if d.Size == 0 {
		return fail("MissingParameter", "The request must contain the parameter size or snapshotId")
	}
	within := func(what string, v int32, span [2]int32) error {
		switch {
		case v == 0:
			return nil
		case span == [2]int32{}:
			return fail("InvalidParameterCombination", "The parameter %s is not supported for %s volumes.", what, d.Type)
		case v < span[0] || v > span[1]:
			return fail("InvalidParameterValue", "Volume %s of %d is out of range for %s volumes: %d to %d.", what, v, d.Type, span[0], span[1])
		}
		return nil
	}
	err := cmp.Or(within("size", d.Size, r.size), within("iops", d.IOPS, r.iops), within("throughput", d.Throughput, r.throughput),
		within("initialization rate", d.Rate, [2]int32{100, 300}))
	if err != nil {
		return err
	}
	switch d.Type {
	case "gp3":
		d.IOPS, d.Throughput = cmp.Or(d.IOPS, 3000), cmp.Or(d.Throughput, 125)
	case "gp2":
		d.IOPS = min(16000, max(100, 3*d.Size))
	case "io1", "io2":
		if d.IOPS == 0 {
			return fail("MissingParameter", "The parameter iops must be specified for %s volumes.", d.Type)
		}
	}
	return nil
}

// volumeVisible tells whether a volume is there to be seen: from some time after its instance's launch
// until that instance is gone, unless it outlives it.
func (w *world) volumeVisible(v *volume) bool {
	i := w.Instances[v.Instance]
	if i == nil {
		return true
	}
	l := w.Launches[v.Launch]
	if w.now.Before(l.At.Add(i.Devices)) {
		return false
	}
	return w.phase(i) != terminated || l.Devices[v.Device].Keep
}

func (w *world) viewVolume(v *volume) *types.Volume {
	l := w.Launches[v.Launch]
	d := l.Devices[v.Device]
	made := l.At
	if !v.Since.IsZero() {
		made = v.Since
	}
	made = made.Truncate(time.Second)
	out := &types.Volume{
		VolumeId: new(v.ID), Size: new(d.Size), VolumeType: types.VolumeType(d.Type), AvailabilityZone: new(l.Zone), AvailabilityZoneId: new(l.ZoneID),
		CreateTime: new(made), Encrypted: new(d.Encrypted), SnapshotId: new(cmp.Or(v.Snapshot, d.Snapshot)), State: types.VolumeStateAvailable,
		MultiAttachEnabled: new(false), Attachments: []types.VolumeAttachment{}, Operator: &types.OperatorResponse{Managed: new(false)}, Tags: w.tags(v.ID),
		VolumeArn: new(w.arn("volume/" + v.ID)), OwnerId: new(w.account()), FastRestored: new(false),
	}
	if d.IOPS > 0 {
		out.Iops = new(d.IOPS)
	}
	if d.Throughput > 0 {
		out.Throughput = new(d.Throughput)
	}
	if d.Rate > 0 {
		out.VolumeInitializationRate = new(d.Rate)
	}
	if d.KMSKey != "" {
		out.KmsKeyId = new(d.KMSKey)
	}
	if i := w.Instances[v.Instance]; i != nil && w.phase(i) != terminated {
		out.State = types.VolumeStateInUse
		name := d.Name
		if v.Device == 0 && i.Root != "" {
			name = i.Root
		}
		out.Attachments = []types.VolumeAttachment{{
			VolumeId: new(v.ID), InstanceId: new(i.ID), Device: new(name), State: types.VolumeAttachmentStateAttached,
			AttachTime: new(made), DeleteOnTermination: new(!d.Keep),
		}}
	}
	return out
}

func (w *world) describeVolumes(in *ec2.DescribeVolumesInput) (*ec2.DescribeVolumesOutput, error) {
	all, err := pick(w.Volumes, in.VolumeIds, volumeKind, w.volumeVisible)
	if err != nil {
		return nil, err
	}
	rows := make([]*types.Volume, len(all))
	for n, v := range all {
		rows[n] = w.viewVolume(v)
	}
	if rows, err = filtered(w, rows, in.Filters); err != nil {
		return nil, err
	}
	p := paging{max: in.MaxResults, token: in.NextToken, least: 5, most: 1000, ids: in.VolumeIds, idsNamed: "volumeSet"}
	rows, next, err := paged(w, rows, p, func(v *types.Volume) []string { return []string{*v.VolumeId} })
	return &ec2.DescribeVolumesOutput{Volumes: deref(rows), NextToken: next}, err
}

// deleteVolume removes a volume that outlived its instance.
func (w *world) deleteVolume(in *ec2.DeleteVolumeInput) (*ec2.DeleteVolumeOutput, error) {
	found, err := pick(w.Volumes, []string{*in.VolumeId}, volumeKind, w.volumeVisible)
	if err != nil {
		return nil, err
	}
	v := found[0]
	if i := w.Instances[v.Instance]; i != nil && w.phase(i) != terminated {
		return nil, fail("VolumeInUse", "Volume %s is currently attached to %s", v.ID, i.ID)
	}
	delete(w.Volumes, v.ID)
	delete(w.Tags, v.ID)
	return &ec2.DeleteVolumeOutput{}, nil
}
