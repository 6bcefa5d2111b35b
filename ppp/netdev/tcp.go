package netdev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// lingerTime is how long the stack keeps a connection that both sides have closed: FIN-WAIT-2 and TIME-WAIT.
const lingerTime = 5 * time.Second

// handleTCP gets the segments that belong to no connection.
func (u *Userspace) handleTCP(id stack.TransportEndpointID, pkt *stack.PacketBuffer) bool {
	d := u.device(pkt.NICID)
	return d != nil && d.tcp.HandlePacket(id, pkt)
}

// serveTCP connects to the host that a SYN of the caller names, then answers the caller, then relays. It runs on a
// goroutine of its own, which the stack starts; the forwarder bounds how many are before the relay.
func (d *userDevice) serveTCP(r *tcp.ForwarderRequest) {
	src, dst := endpoints(r.ID())
	ctx, err := d.beginTCP(src.Addr())
	if err != nil {
		d.debug(fmt.Sprintf("tcp %v: refused: %v", dst, err))
		r.Complete(true)
		return
	}
	defer d.running.Done()
	why := d.carryTCP(ctx, r, dst)
	d.endTCP()
	d.debug(fmt.Sprintf("tcp %v: %s", dst, why))
}

// carryTCP is serveTCP for a connection that is counted. It returns why the connection ended.
func (d *userDevice) carryTCP(ctx context.Context, r *tcp.ForwarderRequest, dst netip.AddrPort) string {
	host, err := d.dialTCP(ctx, dst)
	if err != nil {
		r.Complete(true)
		return err.Error()
	}
	defer host.Close()
	queue := new(waiter.Queue)
	caller, err := handshake(ctx, r, queue, d.network.options.Limits.Dial)
	r.Complete(err != nil)
	if err != nil {
		return err.Error()
	}
	d.debug(fmt.Sprintf("tcp %v: open", dst))
	return newRelay(ctx, d.network.options.Limits, host, caller, queue).run()
}

// beginTCP counts a connection and a goroutine in running. It returns the context in which the connection runs.
func (d *userDevice) beginTCP(src netip.Addr) (context.Context, error) {
	limits := d.network.options.Limits
	d.mu.Lock()
	defer d.mu.Unlock()
	ctx := d.familyLocked(src)
	switch {
	case ctx == nil:
		return nil, ErrClosed
	case d.connections >= limits.Connections:
		return nil, fmt.Errorf("the session has %d connections", limits.Connections)
	case d.network.flows.Add(1) > int64(limits.Total):
		d.network.flows.Add(-1)
		return nil, fmt.Errorf("all sessions together have %d connections and flows", limits.Total)
	}
	d.connections++
	d.running.Add(1)
	return ctx, nil
}

// endTCP counts a connection out.
func (d *userDevice) endTCP() {
	d.mu.Lock()
	d.connections--
	d.mu.Unlock()
	d.network.flows.Add(-1)
}

func (d *userDevice) dialTCP(ctx context.Context, dst netip.AddrPort) (*net.TCPConn, error) {
	to, err := d.network.resolve(dst)
	if err != nil {
		return nil, fmt.Errorf("refused: %w", err)
	}
	dialer := net.Dialer{Timeout: d.network.options.Limits.Dial}
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return conn.(*net.TCPConn), nil
}

// handshake answers the caller's SYN and waits for the acknowledgment. The stack's call can be interrupted only
// through the queue: a notification without a connection ends it.
func handshake(ctx context.Context, r *tcp.ForwarderRequest, queue *waiter.Queue, limit time.Duration) (
	tcpip.Endpoint, error) {

	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer context.AfterFunc(ctx, func() { queue.Notify(waiter.WritableEvents) })()
	ep, err := r.CreateEndpoint(queue)
	if err != nil {
		return nil, fmt.Errorf("handshake with the caller: %v", err)
	}
	return ep, nil
}

// A relay copies between a host and the caller until both have closed.
type relay struct {
	ctx      context.Context
	limits   Limits
	host     *net.TCPConn
	caller   *gonet.TCPConn
	endpoint tcpip.Endpoint // of caller
	queue    *waiter.Queue  // of endpoint

	once sync.Once
	why  string // set once by end
	idle *idleTimer
	seen uint64 // segments of the caller when the timer expired last
}

func newRelay(ctx context.Context, l Limits, host *net.TCPConn, ep tcpip.Endpoint, queue *waiter.Queue) *relay {
	return &relay{ctx: ctx, limits: l, host: host, caller: gonet.NewTCPConn(queue, ep), endpoint: ep, queue: queue}
}

// run relays and returns why it ended. It closes both connections.
func (r *relay) run() string {
	defer context.AfterFunc(r.ctx, func() { r.abort("the session's network is down") })()
	r.idle = newIdleTimer(r.limits.Idle, r.expired)
	defer r.idle.stop()

	done := make(chan struct{})
	go func() {
		defer close(done)
		r.copy(r.host, r.caller)
	}()
	r.copy(r.caller, r.host)
	<-done
	r.finish()
	r.end("closed", false)
	return r.why
}

// halfCloser is a connection whose writing side can be closed alone.
type halfCloser interface {
	io.ReadWriter
	CloseWrite() error
}

// copy copies one direction. At its end it closes the writing side of dst; if it breaks, it ends both directions.
func (r *relay) copy(dst, src halfCloser) {
	b := make([]byte, 4<<10)
	for {
		n, err := src.Read(b)
		if n > 0 {
			r.idle.touch()
			if _, err := dst.Write(b[:n]); err != nil {
				r.abort(err.Error())
				return
			}
			r.idle.touch()
		}
		switch {
		case errors.Is(err, io.EOF):
			if err := dst.CloseWrite(); err != nil {
				r.abort(err.Error())
			}
			r.idle.shorten(r.limits.HalfClosed)
			return
		case err != nil:
			r.abort(err.Error())
			return
		}
	}
}

// expired ends the connection if it is idle. A slow line may take long for the last octets of a connection that the
// host has closed: it is not idle as long as acknowledgments of the caller come.
func (r *relay) expired() (again bool) {
	if s, ok := r.endpoint.Stats().(*tcp.Stats); ok && s.SegmentsReceived.Value() != r.seen {
		r.seen = s.SegmentsReceived.Value()
		return true
	}
	r.abort("idle")
	return false
}

// finish waits until the caller has acknowledged everything. It also ends when abort is called.
func (r *relay) finish() {
	entry, hangUp := waiter.NewChannelEntry(waiter.EventHUp)
	r.queue.EventRegister(&entry)
	defer r.queue.EventUnregister(&entry)
	r.endpoint.Close()
	if r.endpoint.Readiness(waiter.EventHUp)&waiter.EventHUp != 0 { // it also returns what is not asked for
		return
	}
	select {
	case <-hangUp:
	case <-r.ctx.Done():
	}
}

// abort ends both connections at once, with resets if they are open.
func (r *relay) abort(why string) { r.end(why, true) }

// end closes both connections. Only the first call counts. A reset discards what the host has not received yet.
func (r *relay) end(why string, reset bool) {
	r.once.Do(func() {
		r.why = why
		if reset {
			_ = r.host.SetLinger(0)
		}
		_ = r.host.Close()
		r.endpoint.Abort()
		r.endpoint.Close()
	})
}

// endpoints returns the caller's address and port and those that the caller sends to.
func endpoints(id stack.TransportEndpointID) (src, dst netip.AddrPort) {
	return addrPort(id.RemoteAddress, id.RemotePort), addrPort(id.LocalAddress, id.LocalPort)
}

func addrPort(a tcpip.Address, port uint16) netip.AddrPort {
	addr, _ := netip.AddrFromSlice(a.AsSlice())
	return netip.AddrPortFrom(addr, port)
}
