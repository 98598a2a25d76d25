package ec2sim

// Stop stops an instance behind its owner's back.
func (r *Region) Stop(instanceID string) error {
	return r.onInstance(instanceID, func(w *world, i *instance) error {
		w.stop(i)
		return nil
	})
}

// Kill terminates an instance as EC2 does when the hardware fails; protection does not help.
func (r *Region) Kill(instanceID string) error {
	return r.onInstance(instanceID, func(w *world, i *instance) error {
		if w.alive(i) {
			w.end(i, "Server.InternalError", "Server.InternalError: Internal error on launch", "")
		}
		return nil
	})
}

// Protect switches an instance's protection from termination.
func (r *Region) Protect(instanceID string, on bool) error {
	return r.onInstance(instanceID, func(_ *world, i *instance) error {
		i.Protected = on
		return nil
	})
}

// SetImage makes an instance one that booted from another image.
func (r *Region) SetImage(instanceID, imageID string) error {
	return r.onInstance(instanceID, func(w *world, i *instance) error {
		w.setImage(i, imageID)
		return nil
	})
}

// SwapRootVolume replaces an instance's root volume by one made from a snapshot that no image has. The
// instance's image id stays what it was.
func (r *Region) SwapRootVolume(instanceID string) error {
	return r.onInstance(instanceID, func(w *world, i *instance) error {
		old := w.Volumes[i.Volumes[0]]
		v := &volume{ID: w.newID("vol-"), Launch: old.Launch, Instance: old.Instance, Device: old.Device, Since: w.now}
		v.Snapshot = w.newID("snap-")
		w.Volumes[v.ID] = v
		w.Tags[v.ID] = w.tagsOf(old.ID)
		delete(w.Volumes, old.ID)
		delete(w.Tags, old.ID)
		i.Volumes[0] = v.ID
		return nil
	})
}

// Instances are the ids of the region's instances that live, the oldest first, visible or not: what is there
// for certain.
func (r *Region) Instances() []string {
	var ids []string
	err := r.look(func() error {
		w := r.world(r.o.Region)
		for _, i := range byAge(w.Instances) {
			if w.alive(i) {
				ids = append(ids, i.ID)
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
	return ids
}
