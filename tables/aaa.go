package tables

import (
	"io"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// AAAServers prints the AAA servers and their state, with the reason of one that does not answer.
func AAAServers(w io.Writer, v []client.AAAServer, wide bool, at Place) {
	t := console.Table{Heads: []string{"Server", "Protocol", "Address", "Serves", "State", "Answered"}}
	if wide {
		t.Heads = []string{"Server", "Protocol", "Address", "Serves", "State", "Sockets", "Dropped", "Answered",
			"Reason"}
	}
	short := strings.NewReplacer("authentication", "auth", "accounting", "acct")
	for _, s := range v {
		answered := "-"
		if !s.Answered.IsZero() {
			answered = at.Clock(s.Answered)
		}
		protocol := s.Protocol + " " + s.Transport
		if wide {
			t.Row(s.Name, protocol, s.Address, s.Serves, s.State, s.Sockets, s.Dropped, answered, s.Reason)
			continue
		}
		t.Row(s.Name, protocol, s.Address, short.Replace(s.Serves), s.State, answered)
		t.Note(s.Reason)
		if s.Dropped > 0 {
			t.Note(Numbered(int(s.Dropped), "reply was", "replies were") + " dropped: not authentic, or not expected")
		}
	}
	t.WriteTo(w)
}
