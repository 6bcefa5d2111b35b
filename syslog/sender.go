package syslog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap/zapcore"
)

const (
	queueLength = 2048             // records that may wait for the server; further ones are counted and dropped
	dialTimeout = 10 * time.Second // with the TLS handshake
	sendTimeout = 10 * time.Second // for one record
	firstPause  = time.Second      // after a failure; it doubles
	longestWait = 30 * time.Second
)

// Options are the options of New.
type Options struct {
	Server
	Origin
	Classify Classify
	// Down is called when the server cannot be reached, once until Up is called, which has the number of records that
	// were dropped. Both are called by the sender's goroutine; Up also after the queue was full. What Up logs to its
	// core is sent at once.
	Down func(err error)
	Up   func(c zapcore.Core, dropped uint64)
}

// Sender sends records to one server, in their order. Over TCP and TLS a record that could not be sent is sent again on
// the next connection; one that the system took and the server never read is lost, because the protocol has no
// acknowledgment. The numbers of the records (sequenceId) show that.
type Sender struct {
	opt   Options
	queue chan item
	down  atomic.Bool
	// of records: since Up last told, and since the start
	dropped, lost atomic.Uint64

	mu       sync.Mutex // orders the numbers as the queue
	sequence uint64

	// of the sender's goroutine
	conn connection
}

type item struct {
	data []byte
	sent chan struct{} // with no data: to close when all records before it are sent
}

// New returns a sender. Run sends.
func New(o Options) *Sender {
	return &Sender{opt: o, queue: make(chan item, queueLength)}
}

// Health is the state of a sender.
type Health struct {
	Server  string
	Down    bool   // the server cannot be reached
	Dropped uint64 // records since the start
}

// Health returns the state of the sender.
func (s *Sender) Health() Health {
	return Health{Server: s.opt.Server.String(), Down: s.down.Load(), Dropped: s.lost.Load()}
}

func (s *Sender) enqueue(r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.queue <- item{data: s.format(r)}:
	default:
		s.drop()
	}
}

// format numbers a record and formats it for the server. s.mu is held.
func (s *Sender) format(r Record) []byte {
	s.sequence++
	return s.opt.Server.format(s.opt.Origin, r, s.sequence)
}

func (s *Sender) drop() {
	s.dropped.Add(1)
	s.lost.Add(1)
}

// Flush waits until the records that are queued now are sent, or until ctx ends.
func (s *Sender) Flush(ctx context.Context) {
	sent := make(chan struct{})
	select {
	case s.queue <- item{sent: sent}:
	case <-ctx.Done():
		return
	}
	select {
	case <-sent:
	case <-ctx.Done():
	}
}

// Run connects and sends until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	defer func() {
		if s.conn != nil {
			s.conn.close()
		}
	}()
	if !s.opt.Server.datagram() {
		s.connect(ctx) // so that a wrong address shows at the start
	}
	for {
		select {
		case it := <-s.queue:
			if it.sent != nil {
				close(it.sent)
				continue
			}
			if !s.deliver(ctx, it.data) {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// deliver sends one record, however long it takes; false if ctx has ended. A datagram that the system rejects is
// dropped.
func (s *Sender) deliver(ctx context.Context, data []byte) bool {
	for {
		if !s.connect(ctx) {
			return false
		}
		err := s.conn.send(data)
		if err == nil {
			s.tell()
			return true
		}
		s.fail(err)
		if s.opt.Server.Network == UDP { // the record may be one of a thousand, and the server gone for a day
			s.drop()
			return ctx.Err() == nil
		}
	}
}

// connect connects unless there is a connection that works; false if ctx has ended.
func (s *Sender) connect(ctx context.Context) bool {
	if s.conn != nil && s.conn.closed() {
		s.conn.close()
		s.conn = nil
	}
	for pause := firstPause; s.conn == nil; pause = min(2*pause, longestWait) {
		c, err := s.opt.Server.connect(ctx)
		if err == nil {
			s.conn = c
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		s.fail(err)
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return false
		}
	}
	return true
}

func (s *Sender) fail(err error) {
	if s.conn != nil {
		s.conn.close()
		s.conn = nil
	}
	if !s.down.Swap(true) {
		s.opt.Down(err)
	}
}

// tell reports that records are sent again, and how many were dropped.
func (s *Sender) tell() {
	if !s.down.Load() && (s.dropped.Load() == 0 || len(s.queue) > cap(s.queue)/2) {
		return
	}
	s.down.Store(false)
	s.opt.Up(s.direct(), s.dropped.Swap(0))
}

// sendNow sends a record of the sender's own. If that fails, the next success reports again.
func (s *Sender) sendNow(r Record) {
	s.mu.Lock()
	data := s.format(r)
	s.mu.Unlock()
	if s.conn == nil {
		return
	}
	if err := s.conn.send(data); err != nil {
		s.fail(err)
	}
}
