package broker

import "time"

// maxSetBack is how far a clock may be set back without opening again the hours of policies that were over. A clock
// that was further ahead was wrong, and what it said is forgotten.
const maxSetBack = 24 * time.Hour

// clock remembers the latest time that a decision had. The zero value remembers none.
type clock struct{ latest time.Time }

// see returns the latest time up to now, as the wall clock has it: how much time really passed does not count.
func (c *clock) see(now time.Time) time.Time {
	now = now.Round(0)
	if now.After(c.latest) || c.latest.Sub(now) > maxSetBack {
		c.latest = now
	}
	return c.latest
}
