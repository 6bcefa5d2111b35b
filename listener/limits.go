package listener

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ringback/ringback/tty"
)

// Limits of connections before a login, of all listeners together.
const (
	maxWaiting   = 64               // at the same time
	maxOfClient  = 4                // of them from one client
	perSecond    = rate.Limit(2)    // new connections of one client, in the long run
	burst        = 10               // and at once
	maxClients   = 4096             // clients whose rate is known
	forgetAfter  = 10 * time.Minute // a client's rate: it may then connect at once again anyway
	clientPrefix = 64               // bits of an IPv6 address that are one client: it can choose the others
)

// Why a connection is rejected.
var (
	errWaiting  = errors.New("too many connections before a login")
	errOfClient = errors.New("too many connections of this client before a login")
	errRate     = errors.New("too many new connections of this client")
	errSessions = errors.New("all sessions of this listener are in use")
)

// limits count connections, and number those that are accepted. It is safe for concurrent use; the zero value is
// usable.
type limits struct {
	mu      sync.Mutex
	vtys    map[int]bool // in use
	waiting int          // before a login
	clients map[netip.Prefix]*client
}

// client is what is known of the connections of one client.
type client struct {
	waiting int
	rate    *rate.Limiter
	last    time.Time // of a connection
}

// clientOf returns the addresses that count as one client.
func clientOf(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := a.BitLen()
	if a.Is6() {
		bits = clientPrefix
	}
	p, _ := a.Prefix(bits) // it fails for no address only
	return p
}

// admission is one accepted connection. Its methods may be called once each.
type admission struct {
	l    *limits
	of   netip.Prefix
	line int // of the vty

	once sync.Once
}

// enter accepts a connection from an address, or says why not.
func (l *limits) enter(from netip.Addr, now time.Time) (*admission, error) {
	of := clientOf(from)
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.clientLocked(of, now)
	switch {
	case !c.rate.AllowN(now, 1):
		return nil, errRate
	case c.waiting >= maxOfClient:
		return nil, errOfClient
	case l.waiting >= maxWaiting:
		return nil, errWaiting
	}
	c.last = now
	c.waiting++
	l.waiting++
	if l.vtys == nil {
		l.vtys = map[int]bool{}
	}
	n := 0
	for l.vtys[n] {
		n++
	}
	l.vtys[n] = true
	return &admission{l: l, of: of, line: tty.VTY(n)}, nil
}

func (l *limits) clientLocked(of netip.Prefix, now time.Time) *client {
	if c := l.clients[of]; c != nil {
		return c
	}
	if l.clients == nil {
		l.clients = map[netip.Prefix]*client{}
	}
	if len(l.clients) >= maxClients {
		l.forgetLocked(now)
	}
	c := &client{rate: rate.NewLimiter(perSecond, burst), last: now}
	l.clients[of] = c
	return c
}

// forgetLocked makes room for another client: those that have not connected for long, otherwise any that have no
// connection before a login.
func (l *limits) forgetLocked(now time.Time) {
	for of, c := range l.clients {
		if c.waiting == 0 && now.Sub(c.last) > forgetAfter {
			delete(l.clients, of)
		}
	}
	for of, c := range l.clients {
		if len(l.clients) < maxClients {
			return
		}
		if c.waiting == 0 {
			delete(l.clients, of)
		}
	}
}

// admit says that a user is admitted: the connection no longer counts before a login.
func (a *admission) admit() {
	a.once.Do(func() {
		a.l.mu.Lock()
		defer a.l.mu.Unlock()
		a.l.waiting--
		if c := a.l.clients[a.of]; c != nil {
			c.waiting--
		}
	})
}

// leave frees what the connection uses.
func (a *admission) leave() {
	a.admit()
	a.l.mu.Lock()
	defer a.l.mu.Unlock()
	n, _ := tty.IsVTY(a.line)
	delete(a.l.vtys, n)
}

// before returns how many connections have no user yet.
func (l *limits) before() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.waiting
}
