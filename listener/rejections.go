package listener

import (
	"net/netip"
	"time"

	"github.com/ringback/ringback/broker/events"
)

// told is what rejections are reported together for.
type told struct {
	address string
	client  netip.Prefix
	reason  string
}

// rejections are those since the last report.
type rejections struct {
	at   time.Time
	more int
}

const (
	reportEvery = time.Minute // rejections of one client for one reason
	maxReports  = 1024        // that are known at the same time
)

// rejected reports a rejected connection, or counts it until the next report.
func (s *Set) rejected(o *open, from netip.Addr, why error) {
	o.mu.Lock()
	c := o.config
	o.mu.Unlock()
	key, now := told{c.Address, clientOf(from), why.Error()}, time.Now()
	s.mu.Lock()
	r := s.told[key]
	if r != nil && now.Sub(r.at) < reportEvery {
		r.more++
		s.mu.Unlock()
		return
	}
	if len(s.told) >= maxReports {
		for k, old := range s.told {
			if now.Sub(old.at) >= reportEvery || len(s.told) >= maxReports {
				delete(s.told, k)
			}
		}
	}
	more := 0
	if r != nil {
		more = r.more
	}
	s.told[key] = &rejections{at: now}
	s.mu.Unlock()
	s.opt.Happened(events.ConnectionRejected{Address: o.Addr().String(), Protocol: string(c.Protocol),
		Client: from.String(), Reason: why.Error(), More: more})
}
