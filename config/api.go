package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"os/user"
	"strconv"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/schema"
)

// API is the admin interface.
type API struct {
	Socket string      // path of the unix socket
	Group  *user.Group // that may open the socket, besides root and the user of the daemon; nil: none
	Roles  api.Roles
	Listen string            // host:port for clients over TLS; "": none
	TLS    certs.ServerFiles // if Listen is set
}

// apiKeys are those of `api`.
var apiKeys = []schema.Key{
	{Name: "socket", Check: checkSocket, Example: "/run/ringback/ringback.sock",
		Doc: "Unix socket for the command line. Default: `/run/ringback/ringback.sock` for root, " +
			"else `ringback.sock` in `state_dir`."},
	{Name: "group", Loose: true, Check: schema.NotEmpty, Example: "ringback-operators",
		Doc: "Group whose members may use the socket too, each as an operator of their own; a name, or the " +
			"number of a group of a directory service. The user running ringback must be a member. Its members have " +
			"the role `admin`, or with `roles` what that says. Default: none, only root and that user may use it. " +
			"See [dual control](../how-to/policies.md#two-operators)."},
	{Name: "roles", Type: schema.Object, Reload: schema.AtOnce,
		Doc: "Who may do what: `read` shows the state of the daemon, `operate` also orders what it does with lines, " +
			"calls and callbacks, `admin` is everything ([which route needs which role](api.md)). Root and the user " +
			"running ringback are `admin` on the socket. If one role is set, users that none names have none; on the " +
			"socket, they also need `group` to open it.",
		Keys: []schema.Key{
			{Name: "read", Type: schema.Object, Keys: memberKeys, Doc: "Those who may see the state."},
			{Name: "operate", Type: schema.Object, Keys: memberKeys, Doc: "Those who may also give orders."},
			{Name: "admin", Type: schema.Object, Keys: memberKeys, Doc: "Those who may do everything."},
		}},
	{Name: "listen", Check: checkListen, Example: "127.0.0.1:7443",
		Doc: "Address for clients over TLS, which need a certificate that `roles` names. Default: none, the socket " +
			"only. See [over TLS](api.md#over-tls)."},
	{Name: "tls", Type: schema.Object, Reload: schema.AtOnce,
		Doc: "Certificates for `listen`; a reload reads the files again.", Keys: []schema.Key{
			{Name: "cert_file", Check: checkFileName, Example: "api.crt",
				Doc: "Certificate of the daemon, in PEM. Requests must be for one of its names."},
			{Name: "key_file", Check: checkFileName, Example: "api.key", Doc: "Its key, in PEM."},
			{Name: "client_ca_file", Check: checkFileName, Example: "operators-ca.crt",
				Doc: "Certificates of the authorities that sign those of the clients, in PEM. They should sign " +
					"nothing else."},
		}},
}

// memberKeys are those of a role.
var memberKeys = []schema.Key{
	{Name: "users", Type: schema.List, Elem: &schema.Key{Loose: true, Check: schema.NotEmpty}, Example: "[alice]",
		Doc: "Users of this machine: names, or numbers of users of a directory service."},
	{Name: "groups", Type: schema.List, Elem: &schema.Key{Loose: true, Check: schema.NotEmpty}, Example: "[monitoring]",
		Doc: "Groups: names, or numbers of groups of a directory service."},
	{Name: "certificates", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty},
		Example: "[alice@example.net]",
		Doc: "Clients of `listen`: the common name of their certificate, or a name of its subjectAltName (DNS, " +
			"e-mail, URI, IP address), written exactly so."},
}

func checkListen(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("must be HOST:PORT, such as 127.0.0.1:7443")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return errors.New("the port must be a number from 1 to 65535")
	}
	return nil
}

// adminAPI reads `api`, after state_dir.
func (l *loader) adminAPI() {
	c := &l.cfg.API
	c.Group = l.operators()
	c.Roles = l.roles(c.Group)
	c.Listen = l.text("api.listen")
	v := l.v.Get("api", "tls")
	if c.Listen == "" {
		if v.IsSet() {
			l.warnAt(v, "add api.listen: 127.0.0.1:7443, or remove it", "certificates without an address for clients")
		}
		return
	}
	if !l.broken("api") && (!v.Get("cert_file").IsSet() || !v.Get("key_file").IsSet() ||
		!v.Get("client_ca_file").IsSet()) {
		l.errorAt(l.v.Get("api", "listen"),
			"add api.tls: {cert_file: api.crt, key_file: api.key, client_ca_file: ca.crt}",
			"tls: set cert_file, key_file and client_ca_file: no client is served without a certificate")
	} else if !l.broken("api") {
		c.TLS = l.serverFiles(v)
	}
	named := false
	for _, m := range c.Roles.Of {
		named = named || len(m.Certificates) > 0
	}
	if !named && !l.broken("api") {
		l.warnAt(l.v.Get("api", "listen"), "add api.roles: {read: {certificates: [NAME]}}",
			"no certificate has a role, so every client of api.listen is rejected")
	}
}

// roles reads api.roles.
func (l *loader) roles(group *user.Group) api.Roles {
	r := api.Roles{Group: group}
	for _, name := range api.RoleNames {
		v := l.v.Get("api", "roles", name)
		if !v.IsSet() {
			continue
		}
		if r.Of == nil {
			r.Of = map[api.Role]api.Members{}
		}
		m := api.Members{Certificates: v.Get("certificates").Texts()}
		for _, u := range v.Get("users").Items() {
			m.Users = l.id(m.Users, u, "user", userNamed)
		}
		for _, g := range v.Get("groups").Items() {
			m.Groups = l.id(m.Groups, g, "group", func(name string) (string, error) {
				g, err := groupNamed(name)
				if err != nil {
					return "", err
				}
				return g.Gid, nil
			})
		}
		if group == nil && len(m.Users)+len(m.Groups) > 0 {
			l.warnAt(v, "add api.group: the group of all who use the socket",
				"only root and the user running ringback can open the socket, so these roles are never used")
		}
		r.Of[api.RoleOf(name)] = m
	}
	return r
}

// id adds the number of a user or group. A name that this machine does not know is a warning: nobody has it.
func (l *loader) id(all []uint32, v *schema.Value, what string, find func(string) (string, error)) []uint32 {
	if v.Text() == "" {
		return all // the table reports it
	}
	text, err := find(v.Text())
	id, bad := strconv.ParseUint(text, 10, 32)
	if err == nil {
		err = bad
	}
	if err != nil {
		l.warnAt(v, "correct the name; for a "+what+" of a directory service, write its number", "%v", err)
		return all
	}
	return append(all, uint32(id))
}

// userNamed finds the number of a user by its name or number.
func userNamed(name string) (string, error) {
	u, err := user.Lookup(name)
	if err == nil {
		return u.Uid, nil
	}
	if id, err := strconv.ParseUint(name, 10, 32); err == nil && id < math.MaxUint32 {
		return name, nil
	}
	if _, unknown := errors.AsType[user.UnknownUserError](err); unknown {
		return "", fmt.Errorf("this machine has no user %q", name)
	}
	return "", fmt.Errorf("user %q: %w", name, err)
}
