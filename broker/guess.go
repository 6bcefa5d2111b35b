package broker

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/tty"
)

// LoginLimits limit failed logins across calls. A threshold of 0 disables its limit; a Window of 0 disables all.
// `enable` is counted separately, with the same limits.
type LoginLimits struct {
	Window time.Duration // how long failures count after the first of them

	// Failures of a name delay the next login with that name from anywhere, but never lock it: no one can lock out
	// another user. Callers without a number share the delay of their line.
	DelayAfter int           // failures without a delay; each further one doubles it, starting at 1 s
	DelayMax   time.Duration // maximum delay

	// failures of a name from one number, or from callers without a number on one line, that lock this name for that
	// number or line
	LockUserAfter   int
	LockNumberAfter int           // failures from one number, with any names, that lock the number
	LockTime        time.Duration // how long a lock lasts
}

// firstDelay is the delay of the first login beyond LoginLimits.DelayAfter.
const firstDelay = time.Second

const (
	maxSources   = 4096           // sources counted at the same time: limits the use of memory and disk
	maxNames     = 16384          // names remembered as having logged in
	nameFreshFor = 24 * time.Hour // minimum time between two writes of a name's last login
)

// limitKind says by what failures are counted.
type limitKind string

const (
	byName       limitKind = "name"        // delays
	byLine       limitKind = "line"        // delays; for calls without a number
	byNameNumber limitKind = "name+number" // locks
	byNameLine   limitKind = "name+line"   // locks; for calls without a number
	byNumber     limitKind = "number"      // locks
)

// source is what failures are counted for. It has the fields that its kind needs; the name is a keyed hash.
type source struct {
	kind   limitKind
	enable bool
	name   string
	number string
	tty    int
}

// failures are the failures of a source that still count.
type failures struct {
	n           int
	first       time.Time
	lockedUntil time.Time
	user        string // the name as it may be shown
}

// guard implements session.Guard.
type guard struct {
	b   *Broker
	key []byte

	maxSources, maxNames int

	// held from a change until its rows are queued, so that rows are written in the order of the changes
	writing sync.Mutex

	mu      sync.Mutex // guards what follows
	sources map[source]failures
	names   map[string]time.Time // keyed hash → last login, as in the journal
}

func newGuard(b *Broker, key []byte) *guard {
	if key == nil {
		key = make([]byte, sha256.Size)
		rand.Read(key)
	}
	return &guard{b: b, key: key, maxSources: maxSources, maxNames: maxNames, sources: map[source]failures{},
		names: map[string]time.Time{}}
}

// load reads the counts of the previous process. A row that does not verify is ignored.
func (g *guard) load(ctx context.Context) error {
	limits, damaged, err := g.b.opt.Journal.LoginLimits(ctx)
	if err != nil {
		return fmt.Errorf("journal: read the login limits: %w", err)
	}
	names, damagedNames, err := g.b.opt.Journal.LoginNames(ctx)
	if err != nil {
		return fmt.Errorf("journal: read the names that have logged in: %w", err)
	}
	for _, d := range append(damaged, damagedNames...) {
		g.b.Happened(events.Alarm{Text: "a row of the login limits is damaged and ignored: " + d.String()})
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range limits {
		if s, ok := parseSource(l.Kind, l.Key); ok {
			g.sources[s] = failures{n: l.Failures, first: l.First, lockedUntil: l.LockedUntil, user: l.Label}
		}
	}
	for _, n := range names {
		g.names[n.Key] = n.Seen
	}
	return nil
}

// hash returns the keyed hash of a name without its letter case. Without the key, guesses of the name cannot be
// verified.
func (g *guard) hash(name string) string {
	m := hmac.New(sha256.New, g.key)
	m.Write([]byte(aaa.FoldUser(name)))
	return hex.EncodeToString(m.Sum(nil)[:16])
}

// Guard returns what limits failed logins, for logins without a call.
func (b *Broker) Guard() session.Guard { return b.guard }

// Known implements session.Guard.
func (g *guard) Known(user string) bool {
	if g.b.config.Load().LocalUsers[user] {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.names[g.hash(user)]
	return ok
}

// shown returns a typed name as it may appear in logs, audit and views: a name that belongs to no user may be a
// password.
func (g *guard) shown(user string) string {
	if user == "" || g.Known(user) {
		return user
	}
	return fmt.Sprintf("unknown:%d:%s", utf8.RuneCountInString(user), g.hash(user)[:16])
}

// ShownName returns a typed name as it may be logged: unchanged if it is the name of a user, otherwise its length and a
// keyed hash.
func (b *Broker) ShownName(user string) string { return b.guard.shown(user) }

// networkBits are the bits of an IPv6 address that count as one caller on a vty: a client can choose the others (RFC
// 4291 §2.5.1).
const networkBits = 64

// peer returns the number at the other end of a call, on a vty the client's address or network; "" if unknown.
func peer(c *lines.Call) string {
	number := c.Caller
	if _, network := tty.IsVTY(c.TTY); network {
		if a, err := netip.ParseAddr(number); err == nil && a.Is6() && !a.Is4In6() {
			if p, err := a.WithZone("").Prefix(networkBits); err == nil {
				return p.String()
			}
		}
		return number
	}
	if c.Direction == lines.Outgoing {
		number = c.Called
	}
	return number[:min(len(number), 40)]
}

// of returns the sources that a guess counts for.
func (g *guard) of(q session.Guess) []source {
	name, number := g.hash(q.User), peer(q.Call)
	of := []source{{kind: byName, name: name}}
	if number != "" {
		of = append(of, source{kind: byNameNumber, name: name, number: number}, source{kind: byNumber, number: number})
	} else {
		of = append(of, source{kind: byNameLine, name: name, tty: q.Call.TTY}, source{kind: byLine, tty: q.Call.TTY})
	}
	for i := range of {
		of[i].enable = q.Enable
	}
	return of
}

// counted reports whether a guess counts and is limited. Logins of leg two do not: an attacker must not be able to keep
// a user from their promised callback, and each guess there first needs an authentic login on leg one.
func counted(q session.Guess) bool { return q.User != "" && (q.Leg != 2 || q.Enable) }

// Before implements session.Guard.
func (g *guard) Before(q session.Guess) (wait time.Duration, refusal string) {
	if !counted(q) {
		return 0, ""
	}
	limits, now, of := g.limits(q), time.Now(), g.of(q)
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range of {
		f := g.sources[s]
		if f.over(limits.LoginLimits, now) {
			continue
		}
		if limits.threshold(s.kind) > 0 && now.Before(f.lockedUntil) {
			return 0, fmt.Sprintf("locked until %s after %d failures (%s)", f.lockedUntil.UTC().Format(time.RFC3339),
				f.n, s.kind)
		}
		wait = max(wait, limits.delay(s.kind, f.n))
	}
	return wait, ""
}

// over reports whether the failures no longer count.
func (f failures) over(l LoginLimits, now time.Time) bool {
	if !f.lockedUntil.IsZero() {
		return !now.Before(f.lockedUntil)
	}
	return f.n == 0 || now.Sub(f.first) >= l.Window
}

// After implements session.Guard. The result counts immediately; After blocks for at most Limits.Report.
func (g *guard) After(q session.Guess, r session.GuessResult, reason string) {
	if done := g.after(q, r, reason); done != nil {
		g.b.patiently(done)
	}
}

// after returns the channel of the journal's reply; nil if nothing is recorded.
func (g *guard) after(q session.Guess, r session.GuessResult, reason string) <-chan error {
	what := "login"
	if q.Enable {
		what = "enable"
	}
	login := events.LoginFailed{
		User: g.shown(q.User), Caller: peer(q.Call), Line: q.Call.TTY, Call: q.Call.ID,
		Callback: g.b.callbackOf(q.Call.ID), Leg: q.Leg, Reason: reason,
		Server: q.Server, Enable: q.Enable,
		Locked: r == session.GuessLocked, Rejected: r == session.GuessRefused,
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	if r == session.GuessRight {
		e := events.LoginSucceeded{
			User: q.Identity.User, Caller: login.Caller, Line: login.Line, Call: login.Call, Callback: login.Callback,
			Leg:    login.Leg,
			Method: q.Identity.Entry,
			Server: q.Server,
			Enable: q.Enable,
		}
		g.b.publish(e)
		return g.record(what, q, append(g.right(q), audit(time.Now(), e)...))
	}
	g.b.publish(login)
	var rows []journal.Mutation
	if r == session.GuessWrong && counted(q) {
		var locked []events.Event
		rows, locked = g.wrong(q)
		for _, e := range locked {
			g.b.publish(e)
			rows = append(rows, audit(time.Now(), e)...)
		}
	}
	return g.record(what, q, append(rows, audit(time.Now(), login)...))
}

// record commits rows; it returns nil if there are none.
func (g *guard) record(what string, q session.Guess, rows []journal.Mutation) <-chan error {
	if len(rows) == 0 {
		return nil
	}
	return g.b.note(func(err error) {
		g.b.log.Error("journal: record a "+what, zap.String("call", q.Call.ID), zap.Error(err))
	}, rows...)
}

// wrong counts a failure for each of its sources, and returns the rows and the new locks.
func (g *guard) wrong(q session.Guess) (rows []journal.Mutation, locked []events.Event) {
	limits, now, user, of := g.limits(q), time.Now(), g.shown(q.User), g.of(q)
	if limits.Window <= 0 {
		return nil, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range of {
		f, known := g.sources[s]
		if f.over(limits.LoginLimits, now) {
			f = failures{first: now}
		}
		f.n++
		if s.name != "" {
			f.user = user
		}
		if t := limits.threshold(s.kind); t > 0 && f.n >= t && f.lockedUntil.IsZero() {
			f.lockedUntil = now.Add(limits.lockTime(s.kind))
			locked = append(locked, events.LoginLocked{
				LimitKind: string(s.kind), Enable: s.enable, User: f.user, Caller: s.number, Line: s.tty, Failures: f.n,
				Until: f.lockedUntil,
				Of:    s.String(),
			})
		}
		if !known && len(g.sources) >= g.maxSources {
			rows = append(rows, g.evict(limits.LoginLimits, now)...)
		}
		g.sources[s] = f
		rows = append(rows, journal.PutLoginLimit{Limit: f.row(s)})
	}
	return rows, locked
}

// evict makes room: it drops the sources that no longer count, or else the source with the fewest failures, the oldest
// of these. So names that are tried once evict each other, and never a locked or delayed source.
func (g *guard) evict(limits LoginLimits, now time.Time) (rows []journal.Mutation) {
	var least source
	var fewest *failures
	for s, f := range g.sources {
		if f.over(limits, now) {
			rows = append(rows, g.drop(s))
			continue
		}
		if fewest == nil || cmp.Or(f.lockedUntil.Compare(fewest.lockedUntil), f.n-fewest.n,
			f.first.Compare(fewest.first)) < 0 {
			least, fewest = s, &f
		}
	}
	if len(rows) == 0 {
		rows = append(rows, g.drop(least))
	}
	return rows
}

func (g *guard) drop(s source) journal.Mutation {
	delete(g.sources, s)
	kind, key := s.encode()
	return journal.DropLoginLimit{Kind: kind, Key: key}
}

// right learns the name, and forgets the failures of this name from this number or line. Those of the name alone, the
// number and the line stay: a user with a valid password must not erase failures of other names.
func (g *guard) right(q session.Guess) (rows []journal.Mutation) {
	of := g.of(q)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !q.Enable {
		rows = append(rows, g.learn(q.User)...)
		if q.Identity.User != q.User {
			rows = append(rows, g.learn(q.Identity.User)...)
		}
	}
	for _, s := range of {
		if _, ok := g.sources[s]; ok && (s.kind == byNameNumber || s.kind == byNameLine) && counted(q) {
			rows = append(rows, g.drop(s))
		}
	}
	return rows
}

// learn remembers a name that has logged in.
func (g *guard) learn(user string) (rows []journal.Mutation) {
	now, key := time.Now(), g.hash(user)
	seen, known := g.names[key]
	if known && now.Sub(seen) < nameFreshFor {
		return nil
	}
	if !known && len(g.names) >= g.maxNames {
		oldest := ""
		for k, t := range g.names {
			if oldest == "" || t.Before(g.names[oldest]) {
				oldest = k
			}
		}
		delete(g.names, oldest)
		rows = append(rows, journal.DropLoginName{Key: oldest})
	}
	g.names[key] = now
	return append(rows, journal.PutLoginName{Name: journal.LoginName{Key: key, Seen: now}})
}

// joined records in the audit that a session was connected to a host.
func (b *Broker) joined(call *lines.Call, user, host, why string) {
	if why != "" {
		b.Happened(events.HostRefused{Call: call.ID, Line: call.TTY, User: user, Host: host, Reason: why})
		return
	}
	b.Happened(events.HostJoined{Call: call.ID, Line: call.TTY, User: user, Host: host})
}

// enablePrefix is the prefix of the `enable` kinds in the journal.
const enablePrefix = "enable "

// String returns the kind as users see it and the journal stores it.
func (s source) String() string {
	if s.enable {
		return enablePrefix + string(s.kind)
	}
	return string(s.kind)
}

func (s source) encode() (kind, key string) {
	return s.String(), strings.Join([]string{cmp.Or(s.name, "-"), cmp.Or(s.number, "-"), strconv.Itoa(s.tty)}, " ")
}

func parseSource(kind, key string) (source, bool) {
	kind, enable := strings.CutPrefix(kind, enablePrefix)
	f := strings.Fields(key)
	if len(f) != 3 {
		return source{}, false
	}
	tty, err := strconv.Atoi(f[2])
	s := source{kind: limitKind(kind), enable: enable, name: strings.TrimPrefix(f[0], "-"),
		number: strings.TrimPrefix(f[1], "-"), tty: tty}
	return s, err == nil
}

func (f failures) row(s source) journal.LoginLimit {
	kind, key := s.encode()
	return journal.LoginLimit{Kind: kind, Key: key, Label: f.user, Failures: f.n, First: f.first,
		LockedUntil: f.lockedUntil}
}

// LoginLock is a source whose logins are locked or delayed now.
type LoginLock struct {
	Kind        string
	Enable      bool // true for `enable`, false for the login
	User        string
	Number      string
	TTY         int // 0: all lines
	Failures    int
	LockedUntil time.Time     // zero: delayed only
	Delay       time.Duration // before the next login
}

// LoginLocks returns the sources that are locked or delayed now, locked ones first.
func (b *Broker) LoginLocks() []LoginLock {
	site, now, g := b.config.Load().LoginLimits, time.Now(), b.guard
	g.mu.Lock()
	sources := maps.Clone(g.sources) // logins do not wait for the policies of thousands of sources
	g.mu.Unlock()
	var v []LoginLock
	for s, f := range sources {
		if f.over(site, now) {
			continue
		}
		limits := b.limitsOf(aaa.Request{User: f.user, TTY: s.tty, Caller: s.number})
		l := LoginLock{
			Kind: string(s.kind), Enable: s.enable, User: f.user, Number: s.number, TTY: s.tty, Failures: f.n,
			LockedUntil: f.lockedUntil,
			Delay:       limits.delay(s.kind, f.n),
		}
		if l.Delay > 0 || !l.LockedUntil.IsZero() {
			v = append(v, l)
		}
	}
	slices.SortFunc(v, func(x, y LoginLock) int {
		return cmp.Or(y.LockedUntil.Compare(x.LockedUntil), cmp.Compare(y.Failures, x.Failures),
			cmp.Compare(x.User, y.User), cmp.Compare(x.Number, y.Number), x.TTY-y.TTY)
	})
	return v
}

// ErrNoLock is returned for a name or number without failures that count.
var ErrNoLock = errors.New("no failed logins are counted for it")

// ClearLoginLocks forgets the failures of a name or a number, or all failures if of is "", and returns the number of
// sources. It returns when the change is on disk. by names the operator in the audit.
func (b *Broker) ClearLoginLocks(ctx context.Context, of, by string) (int, error) {
	n, done, err := b.guard.clear(of, by)
	if err != nil || n == 0 {
		return 0, err
	}
	select {
	case err = <-done:
	case <-ctx.Done():
		return 0, fmt.Errorf("cleared, but it is not known whether the change is on disk: %w", ctx.Err())
	}
	if err != nil {
		return 0, fmt.Errorf("cleared, but the change is not on disk and is lost at the next start: %w", err)
	}
	return n, nil
}

// clear forgets the failures and returns the number of sources and the channel of the journal's reply.
func (g *guard) clear(of, by string) (n int, done <-chan error, err error) {
	g.writing.Lock()
	defer g.writing.Unlock()
	var rows []journal.Mutation
	name := g.hash(of)
	g.mu.Lock()
	for s := range g.sources {
		if of == "" || s.name == name || s.number == of {
			rows = append(rows, g.drop(s))
		}
	}
	g.mu.Unlock()
	if len(rows) == 0 {
		if of == "" {
			return 0, nil, nil
		}
		return 0, nil, ErrNoLock
	}
	n = len(rows)
	e := events.LoginUnlocked{Of: cmp.Or(g.shown(of), "all"), Sources: n, By: by}
	g.b.publish(e)
	return n, g.b.note(nil, append(rows, audit(time.Now(), e)...)...), nil
}
