package methods

import (
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
)

// Servers returns all servers of the configuration and their state.
func (m *Set) Servers() []client.AAAServer {
	var all []client.AAAServer
	if c := m.radius[config.MethodRADIUS]; c != nil {
		for _, s := range c.Servers() {
			dropped := s.Stray
			for _, n := range s.Dropped {
				dropped += n
			}
			all = append(all, client.AAAServer{
				Name: s.Name, Protocol: config.MethodRADIUS, Address: s.Address, Serves: s.Serves,
				Transport: s.Transport, State: string(s.State),
				Sockets: s.Sockets, InFlight: s.InFlight, Dropped: dropped, Answered: s.Answered, Reason: s.Reason,
			})
		}
	}
	if m.all == nil {
		return all
	}
	for _, s := range m.all.Servers() {
		out := client.AAAServer{
			Name: s.Name, Protocol: config.MethodTACACS, Address: s.Address, Serves: "authentication+accounting",
			Transport: "tcp", State: "alive",
			Sockets: s.Connections, Reason: s.LastSilence,
		}
		if s.TLS {
			out.Transport = "tls"
		}
		if time.Now().Before(s.DeadUntil) {
			out.State = "dead"
		}
		all = append(all, out)
	}
	return all
}
