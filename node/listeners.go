package node

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/ssh"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/attach"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/listener"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	sshfront "github.com/ringback/ringback/session/ssh"
)

// listeners are the doors of a daemon for users who come over the network.
type listeners struct {
	set    *listener.Set
	log    *zap.Logger
	logins atomic.Pointer[map[string]broker.Line] // the method lists of the configuration in force, by address
	broker func() *broker.Broker
	// attach serves the users of listeners for lines; nil: they are told that it is not available.
	attach session.Attach
	key    atomic.Pointer[ssh.Signer] // the host key of SSH; nil: no listener has needed it
	dir    string                     // of the host key
}

// newListeners returns the listeners, which listen to nothing yet.
func (d *daemon) newListeners() *listeners {
	l := &listeners{broker: func() *broker.Broker { return d.broker }, dir: d.cfg.StateDir, log: d.log,
		attach: &attach.Attacher{Pool: d.lines, Broker: d.broker, Product: "ringback " + d.version}}
	l.set = listener.New(listener.Options{Serve: l.serve, Happened: d.broker.Happened})
	return l
}

// openListeners opens the listeners of the configuration at the start.
func (d *daemon) openListeners(ctx context.Context) error {
	d.doors = d.newListeners()
	place, _, err := d.doors.prepare(ctx, d.cfg, d.methods)
	if err != nil {
		return err
	}
	place()
	return nil
}

// prepare opens what a configuration has and the one in force has not. See listener.Set.Prepare.
func (l *listeners) prepare(ctx context.Context, cfg *config.Config, m *methods.Set) (place, withdraw func(),
	err error) {
	logins, all := map[string]broker.Line{}, make([]listener.Config, 0, len(cfg.Listen))
	for _, c := range cfg.Listen {
		line, err := m.Listener(c)
		if err != nil {
			return nil, nil, err
		}
		line.Locale = cfg.Locale
		logins[c.Key()] = line
		all = append(all, c.Config)
		if c.Protocol == listener.SSH {
			if err := l.hostKey(); err != nil {
				return nil, nil, err
			}
		}
	}
	open, withdraw, err := l.set.Prepare(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	return func() {
		l.logins.Store(&logins)
		open()
	}, withdraw, nil
}

// textUnattached is what a user of a listener for a line reads if the modems are not available.
const textUnattached = "\r\n% The modems cannot be reached over the network\r\n"

// hostKey reads the host key of SSH, or makes it, once.
func (l *listeners) hostKey() error {
	if l.key.Load() != nil {
		return nil
	}
	key, made, err := sshfront.HostKey(l.dir)
	if err != nil {
		return err
	}
	l.key.Store(&key)
	l.log.Info("host key of SSH", zap.String("fingerprint", ssh.FingerprintSHA256(key.PublicKey())),
		zap.Bool("made", made))
	return nil
}

// data is a connection as the data of a session.
type data interface {
	lines.Data
	session.Client
	Admit()
	Broken() error
}

// serve serves a connection until it is closed.
func (l *listeners) serve(ctx context.Context, c *listener.Conn) error {
	var s data
	var secured *sshfront.Conn // nil: not over SSH
	if c.Config.Protocol == listener.SSH {
		secured = sshfront.NewConn(c.Conn, c.Config.Target.VTY())
		s = secured
	} else {
		s = listener.NewStream(c.Conn, c.Config.Protocol, !c.Config.Target.VTY())
	}
	if !c.Config.Target.VTY() && l.attach == nil {
		if secured == nil {
			_, _ = s.Write([]byte(textUnattached)) // the client may have gone
		}
		return s.Hangup(ctx)
	}
	_, err := l.broker().Visit(ctx, broker.Visit{
		Call: &lines.Call{Data: s, ID: broker.NewID(), TTY: c.Line, Direction: lines.Incoming,
			Connect: fmt.Sprintf("%s %s", c.Config.Protocol, c.LocalAddr()), Caller: c.From.String(),
			Start: time.Now()},
		Line: (*l.logins.Load())[c.Config.Key()],
		FrontEnd: func(text session.FrontEnd) session.FrontEnd {
			text = l.frontEnd(c, s, text)
			if shell, ok := text.(sshfront.Shell); ok && secured != nil {
				return sshfront.New(secured, *l.key.Load(), shell)
			}
			return text
		},
		Admitted: func() {
			s.Admit()
			c.Admit()
		},
	})
	return errors.Join(err, s.Broken())
}

// frontEnd returns what serves a connection, over whatever protocol.
func (l *listeners) frontEnd(c *listener.Conn, s session.Client, text session.FrontEnd) session.FrontEnd {
	prompts, ok := text.(*exec.FrontEnd)
	if c.Config.Target.VTY() || !ok {
		return text
	}
	return prompts.Instead(aaa.Outbound, func(ctx context.Context, on *session.Session, res aaa.Result) session.Ending {
		return l.attach.Attach(ctx, on, session.Attachment{Line: c.Config.Target.Line, Rotary: c.Config.Target.Rotary,
			Identity: res.Identity, From: c.From, Client: s, Queue: c.Config.Queue, Raw: c.Config.Raw,
			Person: c.Config.Protocol == listener.Telnet || c.Config.Protocol == listener.SSH})
	})
}

// beforeLogin returns how many connections have no user yet; nil listeners have none.
func (l *listeners) beforeLogin() int {
	if l == nil {
		return 0
	}
	return l.set.BeforeLogin()
}

// list returns the listeners for clients; nil listeners are none.
func (l *listeners) list() []client.Listener {
	if l == nil {
		return []client.Listener{}
	}
	all := l.set.List()
	v := make([]client.Listener, 0, len(all))
	for _, s := range all {
		v = append(v, client.Listener{Address: s.Address, Protocol: string(s.Config.Protocol),
			To: s.Config.Target.String(), TLS: s.Config.TLS != nil || s.Config.Protocol == listener.SSH,
			Sessions: s.Sessions, MaxSessions: s.Config.Sessions, Accepted: s.Accepted, Rejected: s.Rejected,
			Since: s.Since.Local(), Error: s.Err})
	}
	return v
}
