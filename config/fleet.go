package config

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/trunks"
)

// Fleet configures a node of a fleet.
type Fleet struct {
	Node       string
	Key        aaa.Secret
	Postgres   Postgres
	Durability string // DurabilityReplicated, DurabilityServer
	Rotaries   []int  // of the fleet
	OnLoss     string // OnLossRefuse, OnLossLocal
	LocalCalls int    // with OnLossLocal
	Takeover   time.Duration
	History    time.Duration // 0: forever
}

// Postgres configures the connections to the servers of a fleet.
type Postgres struct {
	Addresses []string // host:port, or the directory of a socket
	Database  string
	User      string
	Password  aaa.Secret   // "": none
	TLS       *certs.Files // nil: without TLS
}

// minFleetKey is the least length of the fleet's key, in octets: that of an HMAC-SHA256 (RFC 2104 §3).
const minFleetKey = 32

// minDifferent is the least number of different octets in the key. A random key of hexadecimal digits has more.
const minDifferent = 6

func different(key string) int {
	seen := map[byte]bool{}
	for i := range len(key) {
		seen[key[i]] = true
	}
	return len(seen)
}

// fleet reads `fleet`.
func (l *loader) fleet() {
	v := l.v.Get("fleet")
	if !v.IsSet() {
		return
	}
	f := &Fleet{Node: l.nodeName(v.Get("node")), Durability: l.text("fleet.durability"),
		OnLoss: l.text("fleet.on_loss"), LocalCalls: l.int("fleet.local_calls"), Takeover: l.duration("fleet.takeover"),
		History: l.duration("fleet.history"), Postgres: l.postgres(v.Get("postgres"))}
	for _, r := range v.Get("rotaries").Items() {
		if slices.Contains(f.Rotaries, r.Int()) {
			l.errorAt(r, "remove one of the two", "rotary %d is given twice", r.Int())
		}
		f.Rotaries = append(f.Rotaries, r.Int())
	}
	if key := v.Get("key_file"); key.IsSet() {
		const makeOne = "make one: (umask 077; openssl rand -base64 48 > fleet.key), and copy it to all nodes"
		f.Key, _ = l.secret(key)
		switch {
		case f.Key == "": // that was reported
		case len(f.Key) < minFleetKey:
			l.errorAt(key, makeOne, "the key has %d octets, and must have %d or more", len(f.Key), minFleetKey)
		case different(string(f.Key)) < minDifferent:
			l.errorAt(key, makeOne, "the key has only %d different octets: it can be guessed", different(string(f.Key)))
		}
	}
	if at := v.Get("local_calls"); at.IsSet() && f.OnLoss != OnLossLocal {
		l.warnAt(at, "write on_loss: local, or remove it", "without on_loss: local it has no effect")
	}
	l.cfg.Fleet = f
}

// nodeName returns the name of this node.
func (l *loader) nodeName(at *schema.Value) string {
	if name := l.text("fleet.node"); name != "" {
		return name
	}
	from := "hostname"
	name := l.v.Get(from).Text()
	if name == "" {
		from = "the name of this machine"
		name, _ = os.Hostname()
	}
	name, _, _ = strings.Cut(name, ".")
	if name = strings.ToLower(name); checkNode(name) != nil && !l.broken("fleet") {
		l.problem(Problem{File: l.file, Key: "fleet.node", Msg: "is required: " + from + " cannot be used as it",
			Hint: "write node: lyon-1"})
	}
	return name
}

// postgres reads `fleet.postgres`.
func (l *loader) postgres(v *schema.Value) Postgres {
	p := Postgres{Database: l.text("fleet.postgres.database"), User: l.text("fleet.postgres.user")}
	at := v.Get("addresses")
	for _, a := range at.Items() {
		p.Addresses = append(p.Addresses, withPort(a.Text(), "5432"))
	}
	if at.IsSet() && len(p.Addresses) == 0 && !l.broken(at.Path) {
		l.errorAt(at, "write [db1.example.net:5432]", "there is no address")
	}
	if file := v.Get("password_file"); file.IsSet() {
		p.Password, _ = l.secret(file)
	}
	tls := v.Get("tls")
	if tls.IsSet() && !l.broken(tls.Path) {
		files, _ := l.certificates(tls)
		p.TLS = &files
	}
	l.postgresWay(v, p)
	return p
}

// postgresWay checks how the servers are reached.
func (l *loader) postgresWay(v *schema.Value, p Postgres) {
	sockets := 0
	insecure := l.bool("fleet.postgres.insecure")
	for _, a := range v.Get("addresses").Items() {
		if filepath.IsAbs(a.Text()) {
			sockets++
			continue
		}
		host, _, _ := net.SplitHostPort(withPort(a.Text(), ""))
		switch {
		case p.TLS != nil || Loopback(host) || l.broken(a.Path):
		case insecure:
			l.warnAt(a, "write tls: {ca_file: ca.pem}", "%s is reached without TLS: anyone on the path reads the "+
				"names and numbers of users, and can stop the fleet", a.Text())
		default:
			l.errorAt(a, "write tls: {ca_file: ca.pem}, or accept the risk with insecure: true",
				"%s is another machine, and there is no tls", a.Text())
		}
	}
	switch tls := v.Get("tls"); {
	case !tls.IsSet():
	case insecure:
		l.errorAt(v.Get("insecure"), "remove one of the two", "there is tls")
	case sockets > 0 && sockets == len(p.Addresses):
		l.errorAt(tls, "remove it, or write HOST:5432", "a socket of this machine has no TLS")
	}
}

// withPort returns the address with a port, unless it has one or is a directory.
func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil || filepath.IsAbs(address) {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}

// fleetRotary reports whether a rotary is the fleet's, so that its lines may be those of other nodes.
func (c *Config) fleetRotary(rotary int) bool {
	return c.Fleet != nil && slices.Contains(c.Fleet.Rotaries, rotary)
}

// fleetRotaries warns of a rotary of the fleet that nothing of this node uses: neither a line, which may only answer,
// nor a trunk.
func (l *loader) fleetRotaries() {
	for _, at := range l.v.Get("fleet", "rotaries").Items() {
		r := at.Int()
		led := slices.ContainsFunc(l.site.Trunks, func(t trunks.Trunk) bool {
			return t.Rotary != nil && *t.Rotary == r
		})
		if !led && !l.cfg.anyLine(func(line *Line) bool { return line.Rotary == r }) {
			l.warnAt(at, "see the key lines; nothing is wrong if AAA names it and only other nodes dial from it",
				"no line of this node is in rotary %d, and no trunk names it", r)
		}
	}
}
