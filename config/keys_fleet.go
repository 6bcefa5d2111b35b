package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"

	"github.com/ringback/ringback/schema"
)

// fleetKeys are the keys of `fleet`.
func fleetKeys() []schema.Key {
	return []schema.Key{
		{Name: "node", Check: checkNode, Example: "lyon-1",
			Doc: "Name of this node, which no other node of the fleet may have: 1 to 63 of `a-z`, `0-9` and " +
				"`-`. Default: `hostname`, or without it the name of this machine, up to the first dot, in lowercase."},
		{Name: "key_file", Required: true, Check: schema.NotEmpty, Example: "fleet.key",
			Doc: "File that contains only the key of the fleet, which is the same on all nodes: what they share is " +
				"signed with it. 32 octets or more, at least 6 of them different; make it with " +
				"`openssl rand -base64 48`."},
		{Name: "postgres", Required: true, Type: schema.Object, Keys: postgresKeys(),
			Doc: "PostgreSQL 15 or later, which has what the nodes share."},
		{Name: "durability", Enum: []string{DurabilityReplicated, DurabilityServer},
			Default: DurabilityReplicated, Example: DurabilityServer,
			Doc: "What must have a commit before a caller is told: `replicated`, a synchronous standby too, which " +
				"the server must have; `server`, the disk of the server alone, with which all is lost."},
		{Name: "rotaries", Type: schema.List,
			Elem: &schema.Key{Type: schema.Int, Min: 0, Max: maxRotary, Example: "7"}, Example: "[7]",
			Doc: "Rotaries of the fleet: a callback that may be dialed from one is dialed by whichever node has a " +
				"free line of it. All others are the node's own. Default: none."},
		{Name: "on_loss", Enum: []string{OnLossRefuse, OnLossLocal}, Default: OnLossRefuse,
			Example: OnLossLocal,
			Doc: "New callbacks while PostgreSQL cannot be reached: `refuse`, none is promised; `local`, on this " +
				"node's own lines, one for each user."},
		{Name: "local_calls", Type: schema.Int, Min: 1, Max: 100000, Default: "20",
			Example: "50", Doc: "With `on_loss: local`: the dials that the node may promise while PostgreSQL cannot " +
				"be reached. They are counted ahead against the ceilings of the site and the groups, so that these " +
				"are not passed."},
		{Name: "takeover", Type: schema.Duration, Min: 2 * second, Max: hour, Default: "15s", Example: "30s",
			Doc: "Other nodes take the callbacks that wait on a node which has been silent for this long."},
		{Name: "history", Type: schema.Duration, Max: 87600 * hour, Default: "2160h",
			Example: "8760h",
			Doc:     "How long PostgreSQL keeps callbacks after their end. `0s`: nothing is removed."},
	}
}

// postgresKeys are the keys of `fleet.postgres`.
func postgresKeys() []schema.Key {
	tls := append(tlsKeys(), minVersionKey("Minimum version of TLS. `1.2` is for an old server."))
	schema.Find(tls, "server_name").Example = "db.example.net"
	return []schema.Key{
		{Name: "addresses", Type: schema.List, Required: true, Elem: &schema.Key{Check: checkPostgres},
			Example: "[db1.example.net:5432, db2.example.net:5432]",
			Doc: "Addresses of the server and its standbys, or of PgBouncer: the one that takes writes is used. An " +
				"absolute path is the directory of a socket; the default port is 5432."},
		{Name: "database", Check: schema.NotEmpty, Default: "ringback", Example: "callbacks",
			Doc: "Name of the database."},
		{Name: "user", Check: schema.NotEmpty, Default: "ringback", Example: "callbacks",
			Doc: "User of the database."},
		{Name: "password_file", Check: schema.NotEmpty, Example: "postgres.password",
			Doc: "File that contains only the password; one newline at the end is ignored. Default: no password."},
		{Name: "tls", Type: schema.Object, Keys: tls,
			Doc: "TLS. Beyond this machine's loopback either this or `insecure` is required. There is no fallback."},
		{Name: "insecure", Type: schema.Bool, Default: "false", Example: "true",
			Doc: "Accepts connections to another machine without TLS: anyone on the path reads the numbers and names " +
				"of users, and can stop the fleet."},
	}
}

// The values of fleet.durability and fleet.on_loss.
const (
	DurabilityReplicated = "replicated"
	DurabilityServer     = "server"

	OnLossRefuse = "refuse"
	OnLossLocal  = "local"
)

// nodeName is a label of a host name (RFC 1123), in lowercase.
var nodeName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

func checkNode(s string) error {
	if !nodeName.MatchString(s) {
		return fmt.Errorf("%q is not the name of a node: 1 to 63 of a-z, 0-9 and -, and - neither first nor last",
			cut(s))
	}
	return nil
}

// checkPostgres accepts host, host:port and the directory of a socket.
func checkPostgres(s string) error {
	if filepath.IsAbs(s) {
		return nil
	}
	if err := checkHostPort(s); err != nil {
		return errors.New("write HOST:5432, or the absolute directory of a socket: " + err.Error())
	}
	return nil
}
