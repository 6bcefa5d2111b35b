package pppfront

import (
	"fmt"
	"time"

	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/trace"
)

// Debug takes the lines of `debug ppp`, by the topics of package trace. Its methods do not block and are safe for
// concurrent use. An api.Feed is one.
type Debug interface {
	// Heard reports whether anybody listens to a topic of a line.
	Heard(topic string, tty int) bool
	Publish(topic string, tty int, text string)
}

// heard reports whether anybody listens to a topic, so that lines are made only then.
func (l *link) heard(topic string) bool {
	return l.config.Debug != nil && l.config.Debug.Heard(topic, l.Call().TTY)
}

// tell publishes a line. What the caller has typed as a secret is masked, wherever it stands.
func (l *link) tell(topic, text string) { l.config.Debug.Publish(topic, l.Call().TTY, l.Scrub(text)) }

// watch sets the captures of the link.
func (l *link) watch(all []*Capture) { l.captures.Store(&all) }

// tap shows a frame to the captures and to the listeners. It is called with l.mu held.
func (l *link) tap(f ppp.Frame) {
	if all := l.captures.Load(); all != nil && len(*all) > 0 {
		now := time.Now()
		for _, c := range *all {
			c.take(f, now)
		}
	}
	if l.heard(trace.Packets) {
		l.lines(trace.Packets, trace.Packet(f))
	}
	if topic := trace.Topic(f.Protocol, f.Info); topic != "" && l.heard(topic) {
		l.lines(topic, trace.Lines(f))
	}
}

func (l *link) lines(topic string, lines []string) {
	for _, text := range lines {
		l.tell(topic, text)
	}
}

// phases are the phases as IOS names them.
var phases = [...]string{ppp.PhaseDead: "DOWN", ppp.PhaseEstablish: "ESTABLISHING",
	ppp.PhaseAuthenticate: "AUTHENTICATING, by this end", ppp.PhaseCallback: "CALLBACK", ppp.PhaseNetwork: "UP",
	ppp.PhaseTerminate: "TERMINATING", ppp.PhaseOver: "DOWN"}

// followed notes what an event has changed, for the operator. It is called with l.mu held.
func (l *link) followed() {
	if n := l.engine.Traffic().Counted; n != l.counted {
		l.counted, l.used = n, time.Now()
	}
	p := l.engine.Phase()
	if p == l.phase {
		return
	}
	l.phase = p
	if l.heard(trace.Negotiation) {
		l.tell(trace.Negotiation, "PPP: Phase is "+phases[p])
	}
}

// topicOf returns the topic of an effect.
func topicOf(f ppp.Effect) string {
	switch f.(type) {
	case ppp.Ask, ppp.Continue, ppp.Settle:
		return trace.Authentication
	case ppp.Promise, ppp.Note:
		return trace.Callback
	}
	return trace.Negotiation
}

// tellEffect tells of an effect on the session or the network.
func (l *link) tellEffect(f ppp.Effect) {
	if topic := topicOf(f); l.heard(topic) {
		l.tell(topic, "PPP: "+f.String())
	}
}

// tellTimeout tells of a timer that has run out, if that means that an answer is missing.
func (l *link) tellTimeout(t ppp.Timer) {
	topic := trace.Negotiation
	switch t {
	case ppp.IdleTimer, ppp.SessionTimer:
		return
	case ppp.AuthTimer:
		topic = trace.Authentication
	case ppp.CBCPTimer:
		topic = trace.Callback
	case ppp.EchoTimer:
		topic = trace.Packets
	}
	if l.heard(topic) {
		l.tell(topic, fmt.Sprintf("PPP: TIMEout: %v timer", t))
	}
}
