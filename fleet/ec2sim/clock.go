package ec2sim

import "time"

// clock relates the region's time to the time outside: they were Region and Wall at the same moment.
type clock struct {
	Region, Wall time.Time
	Speed        float64 `json:",omitzero"` // of the process that wrote that down; it may have looked later
}

// idle is the gap after which a region that is kept in a file stops hurrying: a rehearsal that was left
// overnight has not become weeks older, and its terminated instances can still be seen the next minute.
const idle = time.Minute

// at is the region's time when it is wall outside. It never runs backwards, whatever wall does, and however
// fast the process before this one was: until something is written, the faster of the two decides.
func (c clock) at(wall time.Time, speed float64, shared bool) time.Time {
	gap := max(0, wall.Sub(c.Wall))
	if shared {
		speed = max(speed, c.Speed)
		return c.Region.Add(scale(min(gap, idle), speed) + max(0, gap-idle))
	}
	return c.Region.Add(scale(gap, speed))
}

func scale(d time.Duration, by float64) time.Duration {
	if by == 1 {
		return d
	}
	return time.Duration(float64(d) * by)
}
