package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/fleet/orders"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/node/methods"
)

// dynamicAuthor opens the port for Disconnect- and CoA-Requests and returns a function that serves it until ctx
// ends; nil if none are accepted.
func (d *daemon) dynamicAuthor(ctx context.Context) (serve func(), err error) {
	c := d.cfg.DynamicAuthor
	if c == nil {
		return nil, nil
	}
	conf := radius.DynAuthConfig{
		Target: brokerTarget{d.broker, d.fleet.orders}, Window: c.Window,
		NASIdentifier: func() string { return d.inForce().Hostname() },
		Trace:         d.traceDynAuth(),
	}
	for _, client := range c.Clients {
		// check-config has checked its length
		conf.Clients = append(conf.Clients, radius.DynAuthClient{Prefix: client.Source, Secret: client.Secret,
			Insecure: true})
	}
	server, err := radius.NewDynAuth(conf)
	if err != nil {
		return nil, err
	}
	conn, err := net.ListenPacket("udp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("dynamic_author: %w (is aaa.dynamic_author.listen an address of this host?)", err)
	}
	d.log.Info("dynamic authorization started", zap.String("listen", conn.LocalAddr().String()))
	return func() {
		if err := server.Serve(ctx, conn); err != nil {
			d.log.Error("dynamic authorization stopped", zap.Error(err))
		}
	}, nil
}

// traceDynAuth reports requests: all to `debug aaa`; answers also to the log, and dropped requests at most once
// a second.
func (d *daemon) traceDynAuth() func(radius.Event) {
	var mu sync.Mutex
	var last time.Time
	unsaid := 0
	return func(e radius.Event) {
		d.tracePacket(methods.Packet{
			Protocol: config.MethodRADIUS, Server: e.Server, Sent: e.Sent, Remark: e.Remark, About: e.About,
			What: e.What, Lines: e.Lines,
		})
		switch {
		case e.Sent:
			d.log.Info("dynamic authorization", zap.String("client", e.Server), zap.String("answer", e.What))
		case e.Remark:
			mu.Lock()
			defer mu.Unlock()
			if unsaid++; time.Since(last) < time.Second {
				return
			}
			d.log.Warn("dynamic authorization", zap.String("from", e.Server), zap.String("reason", e.What),
				zap.Int("since_the_last_message", unsaid))
			last, unsaid = time.Now(), 0
		}
	}
}

// brokerTarget adapts the broker, and the other nodes of its fleet, to RADIUS's dynamic authorization.
type brokerTarget struct {
	*broker.Broker
	others *orders.Node // nil: there are none
}

// Disconnect implements radius.Target.
func (t brokerTarget) Disconnect(ctx context.Context, s radius.Selector) (int, error) {
	f, err := t.Broker.Disconnect(ctx, selector(s))
	if err == nil && f == (broker.Found{}) {
		f, err = elsewhere(ctx, t.others, selector(s), nil)
	}
	if err == nil && f.Sessions == 0 && f.Callbacks > 0 {
		return 1, radius.ErrResidual
	}
	return outcome(f, err)
}

// Change implements radius.Target.
func (t brokerTarget) Change(ctx context.Context, s radius.Selector, c radius.Change) (int, error) {
	f, err := t.Broker.Change(ctx, selector(s), broker.Change(c))
	if err == nil && f == (broker.Found{}) {
		change := broker.Change(c)
		f, err = elsewhere(ctx, t.others, selector(s), &change)
	}
	return outcome(f, err)
}

func selector(s radius.Selector) broker.Selector {
	return broker.Selector{SessionID: s.SessionID, MultiSessionID: s.MultiSessionID, User: s.User, TTY: s.TTY,
		Caller: s.Caller, By: "RADIUS"}
}

// outcome returns the number of sessions and callbacks affected, or why there are none.
func outcome(f broker.Found, err error) (int, error) {
	switch {
	case errors.Is(err, broker.ErrSeveral):
		return 0, fmt.Errorf("%w: %w", radius.ErrSeveral, err)
	case errors.Is(err, broker.ErrTooLate), errors.Is(err, broker.ErrNotSupported):
		return 0, fmt.Errorf("%w: %w", radius.ErrProhibited, err)
	case err != nil || f == broker.Found{}:
		return 0, err
	}
	return 1, nil
}
