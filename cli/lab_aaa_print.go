package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lab/servers"
)

// labAAAPrinter prints and counts the packets that the servers receive and send.
type labAAAPrinter struct {
	json    bool
	servers []labAAAServer

	mu      sync.Mutex
	w       io.Writer
	packets map[string]int // by "radius -> Access-Accept"
	notes   int            // requests that were not answered
}

// labAAAServer is the address of a server; its JSON includes the secret, which must be entered in the access
// server.
type labAAAServer struct {
	Server  string `json:"server"`
	Network string `json:"network"` // "udp", "tcp" or "tls"
	Address string `json:"address"`
	Secret  string `json:"secret,omitempty"`
}

func (p *labAAAPrinter) serves(server, network, address string, secret aaa.Secret) {
	p.servers = append(p.servers, labAAAServer{server, network, address, string(secret)})
}

func (p *labAAAPrinter) object(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		fmt.Fprintf(p.w, "{\"error\":%q}\n", err)
		return
	}
	fmt.Fprintf(p.w, "%s\n", b)
}

// ready prints the addresses, once all servers listen.
func (p *labAAAPrinter) ready() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.servers {
		if p.json {
			p.object(s)
			continue
		}
		line := fmt.Sprintf("%-22s %s %s", s.Server, s.Network, s.Address)
		if s.Secret != "" {
			line += "  secret " + s.Secret
		}
		fmt.Fprintln(p.w, line)
	}
	if !p.json {
		fmt.Fprintln(p.w, "ready; Ctrl-C ends")
	}
}

// event prints one packet on a line.
func (p *labAAAPrinter) event(e servers.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	arrow := "<-"
	if e.Sent {
		arrow = "->"
	}
	if e.Kind != "" {
		p.packets[e.Protocol+" "+arrow+" "+e.Kind]++
	}
	if !e.Sent && (strings.HasPrefix(e.Note, "not answered") || strings.HasPrefix(e.Note, "dropped") ||
		strings.HasPrefix(e.Note, "refused")) {
		p.notes++
	}
	if p.json {
		p.object(e)
		return
	}
	line := fmt.Sprintf("%s %-7s %s %s %s", e.Time.Format("15:04:05.000"), e.Protocol, arrow, e.Peer, e.What)
	if len(e.Attributes) > 0 {
		line += ": " + strings.Join(e.Attributes, ", ")
	}
	if len(e.Judged) > 0 {
		line += " [" + strings.Join(e.Judged, "; ") + "]"
	}
	if e.Note != "" {
		line += " (" + e.Note + ")"
	}
	fmt.Fprintln(p.w, line)
}

// labAAASummary is the summary that `lab aaa` prints at its end.
type labAAASummary struct {
	Packets    map[string]int `json:"packets"`
	Unanswered int            `json:"unanswered"`
	Duplicates int            `json:"duplicates"`     // retransmitted RADIUS requests
	Sessions   int            `json:"sessions"`       // started by accounting
	Open       []string       `json:"open,omitempty"` // without a stop record
}

func (p *labAAAPrinter) summary(l *labAAA) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := labAAASummary{Packets: p.packets, Unanswered: p.notes}
	open := l.sessions(&s)
	s.Open = slices.Sorted(maps.Keys(open))
	if p.json {
		p.object(s)
		return
	}
	fmt.Fprintln(p.w, "\nsummary")
	for _, name := range slices.Sorted(maps.Keys(s.Packets)) {
		fmt.Fprintf(p.w, "  %-40s %d\n", name, s.Packets[name])
	}
	fmt.Fprintf(p.w, "  %-40s %d\n", "not answered", s.Unanswered)
	fmt.Fprintf(p.w, "  %-40s %d\n", "sent again by a client (RADIUS)", s.Duplicates)
	fmt.Fprintf(p.w, "  %-40s %d\n", "accounting sessions", s.Sessions)
	if len(s.Open) > 0 {
		fmt.Fprintf(p.w, "  %-40s %d: %s\n", "  of them never stopped", len(s.Open), strings.Join(s.Open, ", "))
	}
}

// sessions counts accounting sessions and returns the open ones.
func (l *labAAA) sessions(s *labAAASummary) map[string]bool {
	open := map[string]bool{}
	mark := func(id, kind string) {
		switch kind {
		case "Start", "start":
			s.Sessions++
			open[id] = true
		case "Stop", "stop":
			delete(open, id)
		}
	}
	for _, server := range l.radius {
		_, again := server.Requests()
		s.Duplicates += again
		for _, r := range server.Records() {
			mark(r.Get("Acct-Session-Id"), r.Get("Acct-Status-Type"))
		}
	}
	for _, t := range l.tacacs {
		for _, r := range t.Records() {
			mark("task "+r.Get("task_id")+" of "+r.User, r.Kind)
		}
	}
	return open
}
