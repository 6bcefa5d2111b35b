package postgres

import "sync"

// alarms are the texts that operators were told.
type alarms struct {
	mu   sync.Mutex
	told map[string]bool
}

// mostAlarms bounds the texts that are remembered: a person who can write to the database could cause any number.
const mostAlarms = 1000

// alarmOnce tells operators something, once in the life of the process.
func (a *Authority) alarmOnce(text string) {
	l := &a.alarms
	l.mu.Lock()
	news := !l.told[text] && len(l.told) < mostAlarms
	if news {
		l.told[text] = true
	}
	l.mu.Unlock()
	if news {
		a.opt.Alarm(text)
	}
}
