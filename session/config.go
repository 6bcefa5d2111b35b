package session

import "time"

// withDefaults fills in what was left zero; afterwards a duration of zero or less means none.
func (c Config) withDefaults() Config {
	text := func(s *string, def string) {
		if *s == "" {
			*s = def
		}
	}
	span := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	text(&c.Hostname, "ringback")
	text(&c.Prompts.Username, "Username: ")
	text(&c.Prompts.Password, "Password: ")
	text(&c.Prompts.Dialstring, "Callback Dialstring: ")
	if c.Tries <= 0 {
		c.Tries = 3
	}
	span(&c.FailureDelay, 2*time.Second)
	span(&c.LoginTimeout, 60*time.Second)
	span(&c.IdleTimeout, 10*time.Minute)
	return c
}
