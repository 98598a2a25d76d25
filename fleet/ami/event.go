package ami

// What happens while an image is made or copied.
const (
	EventStopping    EventType = "stopping"    // Instance is stopped, to be captured
	EventStopped     EventType = "stopped"     // Instance has stopped
	EventCreating    EventType = "creating"    // EC2 has begun to make Image, of Instance or as a copy
	EventProgress    EventType = "progress"    // Percent of the snapshots of Image is stored
	EventAvailable   EventType = "available"   // Image is there
	EventStarted     EventType = "started"     // Instance, which was stopped to be captured, runs again
	EventLaunched    EventType = "launched"    // Instance: a builder, or that of a boot test; Message says which
	EventProvisioned EventType = "provisioned" // Instance: the script of a builder has ended well
	EventTested      EventType = "tested"      // Instance, made of Image, has come up well
	EventEnded       EventType = "ended"       // Instance, which was launched for the build, is terminated
)

// tell tells of something that happened while an image was made.
func (k *Keeper) tell(e Event) {
	if k.Notify != nil {
		e.At, e.Region = k.Session.Now(), k.Session.Region
		k.Notify(e)
	}
}
