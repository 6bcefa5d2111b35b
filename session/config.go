package session

import "time"

// withDefaults fills in zero values; in the result, a duration of zero or less means none.
func (c Config) withDefaults() Config {
	span := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	if c.Tries <= 0 {
		c.Tries = 3
	}
	span(&c.FailureDelay, 2*time.Second)
	span(&c.LoginTimeout, 60*time.Second)
	return c
}
