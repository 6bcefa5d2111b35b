package radius

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"layeh.com/radius"
)

// dead reports whether the server is to be passed over.
func (p *peer) dead(now time.Time) bool {
	if p.well.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	over := p.dog.passedOver(now, p.deadUntil)
	if over && !p.watching { // it was inherited
		p.todo |= sendProbe | setTimer
		p.watchLocked()
	}
	return over
}

// claim is asked before a request whose user can be served without this server. why says that the server is known to be
// dead, so that it is not waited for: until its dead time is over or the watchdog has found it well. Then one request
// finds out how it is, while others still pass it over; done ends it.
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

// watchLocked starts the watch where there is use for it.
func (p *peer) watchLocked() {
	useful := !p.dog.off && (p.dog.stream || p.dog.state != Okay)
	if p.todo == 0 || p.watching || p.closed || p.retired || !useful {
		return
	}
	p.watching = true
	p.parts.Go(p.watch)
	p.nudge()
}

// markDead notes that an exchange ended in silence: others are asked first for d, or until the watchdog finds the
// server well.
func (p *peer) markDead(d time.Duration) {
	p.mu.Lock()
	p.deadUntil = time.Now().Add(d)
	p.mu.Unlock()
	p.happened(onSilence)
}

// revive notes an authentic answer.
func (p *peer) revive() {
	p.answered.Store(time.Now().UnixNano())
	if !p.well.Load() {
		p.happened(onAnswer)
	}
}

// happened tells the watchdog, and starts the goroutine that does what it wants where that does not run yet.
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
		p.remark("the server is %s (it was %s)", after, before)
	}
	p.nudge()
}

func (p *peer) nudge() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// watch is the goroutine of the watchdog: it has the clock. Over UDP it ends when the server is well again; over TLS
// when the last connection was closed in peace.
func (p *peer) watch() {
	defer p.rest() // what it opened for a probe
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
			if p.heardSince(set) { // RFC 3539 sets the timer with each packet; here it is looked at when it fires
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

// duties takes what is to be done. end says that nothing is any more.
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

// watchTime is Tw with the jitter of RFC 3539 §3.4.1: 30 s give or take 2.
func (p *peer) watchTime() time.Duration {
	return p.tw + time.Duration((rand.Float64()*2-1)*float64(p.tw)/15)
}

func (p *peer) heardSince(t time.Time) bool {
	return p.answered.Load() > t.UnixNano()
}

// probe sends a Status-Server, once; its answer is waited for by the watch. nil where there is nothing to send it on.
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
		p.remark("Status-Server: %v", err)
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

// encodeStatus makes a Status-Server (RFC 5997 §3).
func (p *peer) encodeStatus(at *slot) ([]byte, error) {
	p.show(at, radius.CodeStatusServer, nil, true)
	return encodeSigned(radius.CodeStatusServer, at, nil)
}

// checkStatus judges an answer to Status-Server: an Access-Accept, or an Accounting-Response from a port of accounting.
// It rests on its Response Authenticator; a Message-Authenticator is checked where there is one: stock servers send
// none (RFC 5997 §4.1 wants none).
func (p *peer) checkStatus(packet []byte, at *slot) flaw {
	switch radius.Code(packet[0]) {
	case radius.CodeAccessAccept, radius.CodeAccountingResponse:
	default:
		return badCode
	}
	f, _ := checkReply(packet, at, false)
	return f
}

// tryOpen makes a connection for nobody but the watchdog.
func (p *peer) tryOpen() {
	select {
	case p.dialing <- struct{}{}:
		defer func() { <-p.dialing }()
	default:
		return // an exchange is at it
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
