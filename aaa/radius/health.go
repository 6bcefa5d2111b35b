package radius

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// dead reports whether to skip the server.
func (p *peer) dead(now time.Time) bool {
	if p.well.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	over := p.dog.passedOver(now, p.deadUntil)
	if over && !p.watching { // the state was inherited
		p.todo |= sendProbe | setTimer
		p.watchLocked()
	}
	return over
}

// claim is called before a request if another method can serve the user without this server. why is not empty if the
// server is known to be dead and must be skipped, until its dead time is over or the watchdog finds it up. Then one
// request tests it, and others still skip it until that request calls done.
func (p *peer) claim(now time.Time) (done func(), why string) {
	if p.well.Load() {
		return func() {}, ""
	}
	if p.dead(now) {
		return nil, p.knownDead("skipped")
	}
	p.mu.Lock()
	tried := p.dog.state == Down || p.dog.state == Reopen
	p.mu.Unlock()
	if !tried {
		return func() {}, ""
	}
	if !p.trying.CompareAndSwap(false, true) {
		return nil, p.knownDead("another login is testing it")
	}
	return func() { p.trying.Store(false) }, ""
}

func (p *peer) knownDead(what string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("radius server %s (%s): %s: %v", p.Name, p.address, what, p.reason)
}

// watchLocked starts the watch goroutine if it is needed.
func (p *peer) watchLocked() {
	useful := !p.dog.off && (p.dog.stream || p.dog.state != Okay)
	if p.todo == 0 || p.watching || p.closed || p.retired || !useful {
		return
	}
	p.watching = true
	p.parts.Go(p.watch)
	p.nudge()
}

// markDead records that an exchange ended in silence: other servers are asked first for d, or until the watchdog finds
// the server up.
func (p *peer) markDead(d time.Duration) {
	p.mu.Lock()
	p.deadUntil = time.Now().Add(d)
	p.mu.Unlock()
	p.happened(onSilence)
}

// revive records an authentic answer.
func (p *peer) revive() {
	p.answered.Store(time.Now().UnixNano())
	if !p.well.Load() {
		p.happened(onAnswer)
	}
}

// happened passes an event to the watchdog and starts the watch goroutine, which performs its actions, if it is needed.
func (p *peer) happened(h happening) {
	p.mu.Lock()
	if h == onAnswer || h == onOpen {
		if h == onAnswer || p.dog.off {
			p.deadUntil = time.Time{}
		}
		if h == onAnswer {
			p.opening = opening{}
		}
	}
	before := p.dog.state
	p.todo |= p.dog.step(h)
	after := p.dog.state
	p.well.Store(after == Okay && !p.dog.pending)
	p.watchLocked()
	p.mu.Unlock()
	if before != after {
		p.remark(aaa.About{}, "server is %s (was %s)", after, before)
	}
	p.nudge()
}

func (p *peer) nudge() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// watch is the goroutine of the watchdog, with its timer. Over UDP it ends when the server is up again; over TLS it
// ends when the state is Initial and no connection is open.
func (p *peer) watch() {
	defer p.rest() // closes a socket that was opened for a probe
	timer := time.NewTimer(p.watchTime())
	defer timer.Stop()
	var probe *exchange
	defer func() { probe.free() }()
	set := time.Now()
	for {
		var proof chan answer
		if probe != nil {
			proof = probe.reply
		}
		select {
		case <-p.life.Done():
			return
		case <-timer.C:
			if p.heardSince(set) { // RFC 3539 sets the timer for each packet; here packets are checked when it fires
				p.happened(onAnswer)
			} else {
				p.happened(onTimer)
			}
			timer.Reset(p.watchTime())
			set = time.Now()
		case <-proof:
			probe.free()
			probe = nil
			p.happened(onProof)
		case <-p.kick:
		}
		todo, end := p.duties()
		if end {
			return
		}
		if todo&setTimer != 0 {
			timer.Reset(p.watchTime())
			set = time.Now()
		}
		if todo&dropConns != 0 {
			p.hangUp(errHungUp)
		}
		if todo&tryOpen != 0 {
			p.tryOpen()
		}
		if todo&sendProbe != 0 {
			probe.free()
			probe = p.probe()
		}
	}
}

// duties takes the pending actions. end reports that the watch is no longer needed.
func (p *peer) duties() (todo action, end bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	todo, p.todo = p.todo, 0
	switch {
	case p.closed, p.retired:
		end = true
	case p.dog.stream:
		end = p.dog.state == Initial && len(p.sockets) == 0
	default:
		end = p.dog.state == Okay
	}
	p.watching = !end
	return todo, end
}

// watchTime returns Tw with the jitter of RFC 3539 §3.4.1: 30 s ± 2 s.
func (p *peer) watchTime() time.Duration {
	return p.tw + time.Duration((rand.Float64()*2-1)*float64(p.tw)/15)
}

func (p *peer) heardSince(t time.Time) bool {
	return p.answered.Load() > t.UnixNano()
}

// probe sends one Status-Server; watch waits for the answer. It returns nil if there is no socket.
func (p *peer) probe() *exchange {
	ex := &exchange{check: p.checkStatus, reply: make(chan answer, 1), begun: time.Now()}
	s, id, ok := p.probeSocket(ex)
	if !ok {
		ex.free()
		return nil
	}
	wire, err := s.prepare(id, question{encode: p.encodeStatus})
	if err == nil {
		ctx, cancel := context.WithTimeout(p.life, p.Timeout)
		defer cancel()
		err = s.send(ctx, wire)
	}
	if err != nil {
		p.remark(aaa.About{}, "Status-Server: %v", err)
	}
	return ex
}

func (p *peer) probeSocket(ex *exchange) (*socket, uint32, bool) {
	if !p.dog.stream {
		s, id, err := p.reserve(p.life, ex)
		return s, id, err == nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sockets {
		if id, ok := s.takeWatchdog(ex); ok {
			return s, id, true
		}
	}
	return nil, 0, false
}

// encodeStatus encodes a Status-Server (RFC 5997 §3).
func (p *peer) encodeStatus(at *slot) ([]byte, error) {
	p.show(aaa.About{}, at, radius.CodeStatusServer, nil, true)
	return encodeSigned(radius.CodeStatusServer, at, nil)
}

// checkStatus checks an answer to Status-Server: an Access-Accept, or an Accounting-Response from an accounting port.
// It requires only the Response Authenticator, because stock servers send no Message-Authenticator (RFC 5997 §4.1 does
// not require one); if present, it is checked.
func (p *peer) checkStatus(packet []byte, at *slot) flaw {
	switch radius.Code(packet[0]) {
	case radius.CodeAccessAccept, radius.CodeAccountingResponse:
	default:
		return badCode
	}
	f, _ := checkReply(packet, at, false)
	return f
}

// tryOpen opens a connection for the watchdog only.
func (p *peer) tryOpen() {
	select {
	case p.dialing <- struct{}{}:
		defer func() { <-p.dialing }()
	default:
		return // an exchange is opening one
	}
	p.mu.Lock()
	have := len(p.sockets) > 0 || p.closed
	p.mu.Unlock()
	if have {
		return
	}
	if s, err := p.open(p.life); err == nil {
		p.adopt(s, nil)
	}
}
