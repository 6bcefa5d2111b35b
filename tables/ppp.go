package tables

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// PPP prints the sessions of PPP.
func PPP(w io.Writer, v []client.PPPSession, wide bool, at Place) {
	t := console.Table{Heads: []string{"Tty", "User", "Phase", "Auth", "Address", "Idle"}}
	if wide {
		t.Heads = []string{"Tty", "User", "Leg", "Phase", "LCP", "IPCP", "IPV6CP", "Auth", "Callback", "Address",
			"Prefixes", "In", "Out", "Errors", "Idle", "Left", "Since", "Call"}
	}
	for _, s := range v {
		auth, address := cmp.Or(s.Authentication, "-"), cmp.Or(s.Address, first(s.Prefixes), s.InterfaceID, "-")
		if wide {
			t.Row(s.TTY, s.User, s.Leg, s.Phase, s.LCP, s.IPCP, s.IPV6CP, auth, pppCallbackText(s.Callback),
				cmp.Or(s.Address, "-"), strings.Join(s.Prefixes, " "), s.In.Octets, s.Out.Octets,
				frameErrors(s.Frames), spanText(s.Idle), spanText(s.Remaining), at.Clock(s.Since), s.Call)
			continue
		}
		t.Row(s.TTY, s.User, s.Phase, auth, address, spanText(s.Idle))
	}
	t.WriteTo(w)
}

// PPPSession prints all that is known of one session.
func PPPSession(w io.Writer, s client.PPPSession, at Place) {
	user := cmp.Or(s.User, "a caller who has not logged in")
	fmt.Fprintf(w, "line %d: PPP of %s since %s, phase %s\n", s.TTY, console.Clean(user), at.Clock(s.Since), s.Phase)
	field := func(name, value string) {
		if text := console.Clean(value); text != "" {
			fmt.Fprintf(w, "  %-14s %s\n", name, text)
		}
	}
	field("call", fmt.Sprintf("%s, leg %d", s.Call, s.Leg))
	field("LCP", s.LCP)
	field("IPCP", s.IPCP)
	field("IPV6CP", s.IPV6CP)
	if s.Authentication != "" {
		field("authentication", s.Authentication+", "+s.AuthenticationState)
	}
	field("callback", pppCallbackText(s.Callback))
	if s.Address != "" {
		field("address", s.Address+", ours "+s.LocalAddress)
	}
	if s.LocalInterfaceID != "" {
		field("interface ID", cmp.Or(s.InterfaceID, "not known")+", ours "+s.LocalInterfaceID)
	}
	field("prefixes", strings.Join(s.Prefixes, " "))
	field("DNS", strings.Join(s.DNS, " "))
	field("WINS", strings.Join(s.WINS, " "))
	field("filter", s.Filter)
	field("caller sends", linkText(s.Receive))
	field("we send", linkText(s.Send))
	field("packets in", trafficText(s.In, s.Dropped, "dropped"))
	field("packets out", trafficText(s.Out, s.Overflow, "overflow"))
	field("frames", framesText(s.Frames))
	if e := s.Echo; e != nil {
		field("echo", fmt.Sprintf("every %s, %d of %d missed", span(e.Every), e.Missed, e.Misses))
	}
	if s.Idle != nil {
		idle := span(*s.Idle)
		if s.IdleTimeout > 0 {
			idle += " of " + span(s.IdleTimeout)
		}
		field("idle", idle)
	}
	if s.Remaining != nil {
		field("remaining", span(*s.Remaining))
	}
}

func pppCallbackText(c client.PPPCallback) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+value)
		}
	}
	switch c.Asked {
	case "":
	case "rejected":
		parts = append(parts, "asked for and rejected")
	default:
		parts = append(parts, "asked for: "+c.Asked)
	}
	add("offered ", c.Offered)
	add("chosen: ", c.Chosen)
	if c.Promised {
		parts = append(parts, "promised")
	}
	return strings.Join(parts, "; ")
}

func linkText(l *client.PPPLink) string {
	if l == nil {
		return ""
	}
	text := fmt.Sprintf("MRU %d, ACCM %s", l.MRU, l.ACCM)
	if l.PFC {
		text += ", PFC"
	}
	if l.ACFC {
		text += ", ACFC"
	}
	if l.Magic != "" {
		text += ", magic " + l.Magic
	}
	return text
}

func trafficText(t client.PPPTraffic, lost uint64, how string) string {
	return fmt.Sprintf("%s, %s, %d %s", Numbered(int(t.Packets), "packet", "packets"),
		Numbered(int(t.Octets), "octet", "octets"), lost, how)
}

// frameErrors returns the number of damaged frames.
func frameErrors(f client.PPPFrames) uint64 {
	return f.FCS + f.Aborted + f.TooShort + f.TooLong + f.BadField
}

func framesText(f client.PPPFrames) string {
	text := fmt.Sprintf("%d received", f.Good)
	for _, e := range []struct {
		n    uint64
		what string
	}{{f.FCS, "FCS"}, {f.Aborted, "aborted"}, {f.TooShort, "too short"}, {f.TooLong, "too long"},
		{f.BadField, "address or control"}, {f.Overrun, "octets overrun"}} {
		text += fmt.Sprintf(", %d %s", e.n, e.what)
	}
	return text
}

// span formats seconds: 1:05:09.
func span(seconds float64) string {
	n := int(seconds)
	return fmt.Sprintf("%d:%02d:%02d", n/3600, n/60%60, n%60)
}

// spanText formats seconds, which may be absent.
func spanText(seconds *float64) string {
	if seconds == nil {
		return "-"
	}
	return span(*seconds)
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// Pools prints the address pools and who has their addresses.
func Pools(w io.Writer, v client.PPPPools, at Place) {
	t := console.Table{
		Heads: []string{"Pool", "Of", "Size", "Used", "Held", "Free", "Exhausted", "Backup", "Holdback"},
		Right: []bool{false, false, true, true, true, true},
	}
	holders := console.Table{Heads: []string{"Address", "User", "Tty", "Since", "Pool"}}
	list := func(leases []client.PPPLease, pool string) {
		for _, l := range leases {
			holders.Row(l.Address, l.User, l.TTY, at.Clock(l.Since), pool)
		}
	}
	for _, p := range v.Pools {
		holdback := time.Duration(p.Holdback * float64(time.Second)).String()
		usage := func(of string, u client.PPPPoolUsage) {
			exhausted := "never"
			if !u.Exhausted.IsZero() {
				exhausted = at.Clock(u.Exhausted)
			}
			if u.Size > 0 {
				t.Row(p.Name, of, u.Size, u.InUse, u.HeldBack, u.Free, exhausted, cmp.Or(p.Backup, "-"), holdback)
			}
		}
		usage("IPv4", p.Addresses)
		usage("IPv6", p.Prefixes)
		list(p.Holders, p.Name)
	}
	list(v.Outside, "-")
	t.WriteTo(w)
	if holders.Len() > 0 {
		fmt.Fprintln(w)
		holders.WriteTo(w)
	}
}
