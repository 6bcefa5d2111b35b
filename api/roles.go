package api

import (
	"crypto/x509"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// Role is what a client of the API may do. Each role includes those before it.
type Role int

// The roles.
const (
	NoRole  Role = iota
	Read         // see lines, calls, callbacks, health and events
	Operate      // order what the daemon does with lines, calls and callbacks
	Admin        // change what the daemon is, and see everything
)

// RoleNames are the names of the roles in a configuration, from the least to the greatest.
var RoleNames = []string{"read", "operate", "admin"}

func (r Role) String() string {
	if r < Read || r > Admin {
		return "none"
	}
	return RoleNames[r-Read]
}

// RoleOf returns the role of a name of RoleNames; NoRole for other texts.
func RoleOf(name string) Role { return Role(slices.Index(RoleNames, name) + 1) }

// Members are those that have a role.
type Members struct {
	Users        []uint32 // user IDs of the admin socket's clients
	Groups       []uint32 // group IDs
	Certificates []string // a common name, or a name of subjectAltName, as it is in the certificate
}

// Roles says which client has which role. Root and the user of the daemon always have Admin on the socket. The zero
// value gives a role to nobody else.
type Roles struct {
	// Group has Admin if Of is nil: the group that may open the socket (see Listen); nil: none.
	Group *user.Group
	Of    map[Role]Members
}

// of returns the greatest role of a client.
func (r Roles) of(p *peer) Role {
	switch {
	case p == nil:
		return NoRole
	case p.inside != nil:
		return p.inside.Role
	case p.certificate == nil && !p.known: // a system that does not report the user; the socket's mode decides alone
		if r.Of == nil {
			return Admin
		}
		return NoRole
	case p.certificate == nil && (p.uid == 0 || int(p.uid) == os.Geteuid()):
		return Admin
	case p.certificate == nil && r.Of == nil && r.Group != nil:
		if gid, err := strconv.ParseUint(r.Group.Gid, 10, 32); err == nil && p.in(uint32(gid)) {
			return Admin
		}
		return NoRole
	}
	for role := Admin; role > NoRole; role-- {
		if p.isOne(r.Of[role]) {
			return role
		}
	}
	return NoRole
}

// OfCertificate returns the name and the role of the holder of a verified certificate.
func (r Roles) OfCertificate(c *x509.Certificate) (name string, role Role) {
	p := &peer{certificate: c}
	return p.name(), r.of(p)
}

// isOne reports whether a client is one of the members.
func (p *peer) isOne(m Members) bool {
	if p.certificate != nil {
		return slices.ContainsFunc(m.Certificates, func(name string) bool {
			return slices.Contains(certificateNames(p.certificate), name)
		})
	}
	return slices.Contains(m.Users, p.uid) || slices.ContainsFunc(m.Groups, p.in)
}

// in reports whether the client is in a group. The process must have the group, as the kernel reports it, and if both
// the user and the group are those of this machine, /etc/group must still list the user: a process keeps the groups of
// its login, but a user that was removed from a group loses the role at the next request. Users and groups of a
// directory service are known to the kernel alone.
func (p *peer) in(gid uint32) bool {
	if gid != p.gid && !slices.Contains(p.groups, gid) {
		return false
	}
	id := strconv.FormatUint(uint64(gid), 10)
	u, err := user.LookupId(strconv.FormatUint(uint64(p.uid), 10))
	if err != nil {
		return true
	}
	if _, err := user.LookupGroupId(id); err != nil {
		return true
	}
	ids, err := u.GroupIds()
	return err != nil || slices.Contains(ids, id)
}

// certificateNames returns the names in a certificate.
func certificateNames(c *x509.Certificate) []string {
	var names []string
	if c.Subject.CommonName != "" {
		names = append(names, c.Subject.CommonName)
	}
	names = append(append(names, c.DNSNames...), c.EmailAddresses...)
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// denied says why a client may not do something, and how to get the role.
func (p *peer) denied(need, has Role) string {
	if p.inside != nil {
		return fmt.Sprintf("this needs the role %s, and %s has the role %s (use the ringback command on the machine "+
			"of the daemon)", need, p.inside.Name, has)
	}
	if p.certificate != nil {
		return fmt.Sprintf("this needs the role %s, and %s has the role %s (in the configuration of the daemon, add "+
			"it to api.roles.%[1]s.certificates: [%[4]q], and reload)", need, p.name(), has, firstName(p.certificate))
	}
	who, name := "this client", "USER"
	if p.known {
		who, name = p.name(), strconv.FormatUint(uint64(p.uid), 10)
		if u, err := user.LookupId(name); err == nil {
			who, name = fmt.Sprintf("user %s (uid %s)", u.Username, name), u.Username
		}
	}
	return fmt.Sprintf("this needs the role %s, and %s has the role %s (in the configuration of the daemon, add it "+
		"to api.roles.%[1]s.users: [%[4]s], or to a group of api.roles.%[1]s.groups, and reload; or run the command "+
		"as root or the user of the daemon)", need, who, has, name)
}

// firstName returns the name by which a certificate's operator is known: its common name, otherwise the first other
// name, otherwise the serial number.
func firstName(c *x509.Certificate) string {
	if names := certificateNames(c); len(names) > 0 {
		return names[0]
	}
	return "serial " + c.SerialNumber.Text(16)
}

// clean returns a name for the audit, which cannot be taken for the text around it: printable, without parentheses, and
// of at most 64 characters.
func clean(name string) string {
	out := []rune(strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) || r == '(' || r == ')' {
			return '?'
		}
		return r
	}, name))
	return string(out[:min(len(out), 64)])
}
