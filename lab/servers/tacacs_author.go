package servers

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// lines are a request's fields as text.
func (r tacRequest) lines() []string {
	out := []string{"user " + quote(r.user), "port " + quote(r.port), "rem_addr " + quote(r.remote),
		fmt.Sprintf("priv_lvl %d", r.priv), fmt.Sprintf("method 0x%02x", r.method)}
	return append(out, pairLines(r.args)...)
}

// pairLines prints arguments and masks the values of secrets.
func pairLines(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = quote(a)
		if p, ok := parsePair(a); ok && strings.Contains(p.Name, "secret") {
			p.Value = masked
			out[i] = p.String()
		}
	}
	return out
}

// authorize answers an authorization request.
func (s *TACACS) authorize(body []byte, f TACACSFaults, e *Event) (*tacReply, error) {
	r, err := decodeRequest(body, false)
	if err != nil {
		return nil, err
	}
	e.Attributes = r.lines()
	switch {
	case f.Error:
		return authorReply(tacAuthorReply{status: authorError, message: "as configured"}, "as configured"), nil
	case f.Follow != "":
		return authorReply(tacAuthorReply{status: statusFollow, data: f.Follow}, "as configured"), nil
	}
	reply, why := s.known().decide(r)
	if reply.status == authorPassAdd && f.Replace {
		reply.status = authorPassRepl
		reply.args = append(slices.Clone(r.args), reply.args...)
	}
	if reply.status == authorPassAdd || reply.status == authorPassRepl {
		reply.args = append(reply.args, f.Pairs...)
	}
	return authorReply(reply, why), nil
}

func authorReply(r tacAuthorReply, why string) *tacReply {
	out := &tacReply{body: r.encode(), what: named8(authorStatus, r.status), kind: named8(authorStatus, r.status),
		says: pairLines(r.args), ended: true}
	if why != "" {
		out.what += " (" + why + ")"
	}
	if r.message != "" {
		out.says = append(out.says, "server-msg "+quote(r.message))
	}
	return out
}

// decide finds the user's service or command and answers by it; why is the reason of a refusal.
func (p Profiles) decide(r tacRequest) (reply tacAuthorReply, why string) {
	chain := p.chain(r.user)
	permit := first(chain, func(p Profile) string { return p.Default }) == "permit"
	if len(chain) == 0 {
		if p.Permit {
			return tacAuthorReply{status: authorPassAdd}, ""
		}
		return tacAuthorReply{status: authorFail}, "unknown user"
	}
	service, protocol, cmd := argument(r.args, "service"), argument(r.args, "protocol"), argument(r.args, "cmd")
	if service == "shell" && cmd != "" {
		return commandReply(chain, cmd, r.args, permit)
	}
	if service == "shell" {
		service = "exec" // as tac_plus writes it
	}
	for _, at := range chain {
		for _, sv := range at.Services {
			if sv.Service == service && sv.Protocol == protocol {
				return sv.merge(r.args)
			}
		}
	}
	if permit {
		return tacAuthorReply{status: authorPassAdd}, ""
	}
	return tacAuthorReply{status: authorFail}, strings.TrimSpace("no service = " + service + " " + protocol)
}

// argument is the value of the first argument of that name.
func argument(args []string, name string) string {
	for _, a := range args {
		if p, ok := parsePair(a); ok && p.Name == name {
			return p.Value
		}
	}
	return ""
}

func commandReply(chain []Profile, cmd string, args []string, permit bool) (tacAuthorReply, string) {
	var words []string
	for _, a := range args {
		if p, ok := parsePair(a); ok && p.Name == "cmd-arg" {
			words = append(words, p.Value)
		}
	}
	line := strings.Join(words, " ")
	for _, at := range chain {
		for _, c := range at.Commands {
			if c.Command != cmd {
				continue
			}
			for _, rule := range c.Rules {
				if rule.Match.MatchString(line) {
					return permitted(rule.Permit, "a rule of cmd = "+cmd+" denies it")
				}
			}
			return permitted(false, "no rule of cmd = "+cmd+" permits it")
		}
	}
	return permitted(permit, "no cmd = "+cmd)
}

func permitted(permit bool, why string) (tacAuthorReply, string) {
	if permit {
		return tacAuthorReply{status: authorPassAdd}, ""
	}
	return tacAuthorReply{status: authorFail}, why
}

// merge compares the request's arguments with the service's as tac_plus does: its users' guide has the table. Unlike
// tac_plus, it also sends optional pairs of the service that were not requested, as tacquito does and tac_plus-ng with
// `add`.
func (sv ServiceProfile) merge(args []string) (tacAuthorReply, string) {
	var out []string
	said := map[string]bool{}
	changed := false
	for _, a := range args {
		p, ok := parsePair(a)
		if !ok {
			return tacAuthorReply{status: authorFail}, "argument without = or *: " + quote(a)
		}
		if p.Name == "service" || p.Name == "protocol" || p.Name == "cmd" {
			out = append(out, a)
			continue
		}
		answer, take := sv.weigh(p)
		if !take && !p.Optional {
			return tacAuthorReply{status: authorFail}, "the mandatory argument " + quote(a) + " is not granted"
		}
		if !take || answer != p {
			changed = true
		}
		if take {
			out = append(out, answer.String())
			said[p.Name] = true
		}
	}
	var added []string
	for _, p := range sv.Pairs {
		if !said[p.Name] {
			added = append(added, p.String())
		}
	}
	if changed {
		return tacAuthorReply{status: authorPassRepl, args: append(out, added...)}, ""
	}
	return tacAuthorReply{status: authorPassAdd, args: added}, ""
}

// weigh answers one argument of a request: with itself, with the service's own, or not at all.
func (sv ServiceProfile) weigh(p Pair) (answer Pair, take bool) {
	var same, other *Pair
	for i := range sv.Pairs {
		own := &sv.Pairs[i]
		if own.Name != p.Name {
			continue
		}
		if own.Value == p.Value && same == nil {
			same = own
		}
		if other == nil || (other.Optional && !own.Optional) {
			other = own
		}
	}
	switch {
	case !p.Optional && same != nil && !same.Optional:
		return p, true
	case !p.Optional && other != nil && other.Optional:
		return p, true
	case !p.Optional:
		return p, sv.Permit && other == nil
	case same != nil:
		return *same, true
	case other != nil:
		return *other, true
	}
	return p, sv.Permit
}

// account records an accounting request.
func (s *TACACS) account(peer string, body []byte, f TACACSFaults, e *Event) (*tacReply, error) {
	r, err := decodeRequest(body, true)
	if err != nil {
		return nil, err
	}
	kind, err := recordKind(r.flags)
	if err != nil {
		return nil, err
	}
	e.What += ": " + kind
	e.Attributes = r.lines()
	switch {
	case f.Error:
		return acctReply(tacAcctReply{status: acctError, message: "as configured"}), nil
	case f.Follow != "":
		return acctReply(tacAcctReply{status: statusFollow, data: f.Follow}), nil
	}
	s.count(func() {
		s.records = append(s.records, TACACSRecord{time.Now(), peer, kind, r.user, r.port, r.remote, r.method, r.priv,
			r.service, r.args})
	})
	return acctReply(tacAcctReply{status: acctSuccess}), nil
}

// recordKind reads the flags of RFC 8907 §7.1.
func recordKind(flags byte) (string, error) {
	switch flags {
	case acctStart:
		return "start", nil
	case acctStop:
		return "stop", nil
	case acctWatchdog:
		return "watchdog", nil
	case acctWatchdog | acctStart:
		return "update", nil
	}
	return "", fmt.Errorf("accounting flags 0x%02x", flags)
}

func acctReply(r tacAcctReply) *tacReply {
	out := &tacReply{body: r.encode(), what: named8(acctStatus, r.status), kind: named8(acctStatus, r.status),
		ended: true}
	if r.message != "" {
		out.says = append(out.says, "server-msg "+quote(r.message))
	}
	return out
}
