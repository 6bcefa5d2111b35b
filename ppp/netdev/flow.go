package netdev

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"slices"
)

// A flow is a UDP flow or a ping of a session: a socket of this process, and what reads from it. It ends when it is
// idle, when another flow needs its place, or with the session.
type flow struct {
	device *userDevice
	key    flowKey
	socket io.ReadWriteCloser
	idle   *idleTimer
}

// flowKey tells the flows of a session apart.
type flowKey struct {
	proto    byte
	src, dst netip.AddrPort // the ports of a ping are its identifier and 0
}

// maxDatagram is the greatest payload that a flow carries. Longer datagrams are dropped.
const maxDatagram = 8 << 10

// beginFlow makes room for a flow, at the cost of the one that is idle longest if there is none. It returns the context
// in which the flow runs. The caller calls run, or endFlow if the flow cannot run.
func (d *userDevice) beginFlow(f *flow) (context.Context, error) {
	limits := d.network.options.Limits
	d.mu.Lock()
	ctx := d.familyLocked(f.key.src.Addr())
	if ctx == nil {
		d.mu.Unlock()
		return nil, ErrClosed
	}
	if d.network.flows.Add(1) > int64(limits.Total) {
		d.network.flows.Add(-1)
		d.mu.Unlock()
		return nil, fmt.Errorf("all sessions together have %d connections and flows", limits.Total)
	}
	var oldest *flow
	if len(d.flows) >= limits.Flows {
		oldest = d.longestIdleLocked()
	}
	f.device = d
	f.idle = newIdleTimer(limits.FlowIdle, func() (again bool) {
		_ = f.socket.Close()
		return false
	})
	d.flows = append(d.flows, f)
	d.running.Add(1)
	d.mu.Unlock()
	if oldest != nil {
		_ = oldest.socket.Close()
	}
	return ctx, nil
}

// longestIdleLocked removes and returns the flow that is idle longest. It still counts in the network until it ends.
func (d *userDevice) longestIdleLocked() *flow {
	oldest := 0
	for i, f := range d.flows {
		if f.idle.idle() > d.flows[oldest].idle.idle() {
			oldest = i
		}
	}
	f := d.flows[oldest]
	d.removeLocked(f)
	return f
}

func (d *userDevice) removeLocked(f *flow) {
	if i := slices.Index(d.flows, f); i >= 0 {
		d.flows = slices.Delete(d.flows, i, i+1)
	}
}

// endFlow frees what beginFlow took. The socket is closed by the caller.
func (d *userDevice) endFlow(f *flow) {
	f.idle.stop()
	d.mu.Lock()
	d.removeLocked(f)
	d.mu.Unlock()
	d.network.flows.Add(-1)
	d.running.Done()
}

// findFlow returns the flow with a key, or nil.
func (d *userDevice) findFlow(key flowKey) *flow {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.flows {
		if f.key == key {
			return f
		}
	}
	return nil
}
