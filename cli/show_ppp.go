package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShowPPP() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "ppp [TTY]",
		Short: "show the live sessions of PPP; with TTY, the details of one",
		Long: `Prints the sessions of PPP that are up or being negotiated, from the first frame on. A session goes through these phases:

  establish      LCP negotiates the link: MRU, escaped control characters (ACCM), authentication, callback
  authenticate   the caller sends a name and a proof, and AAA is asked
  callback       CBCP offers a callback, and the caller chooses; then the caller hangs up and is called back
  network        IPCP and IPV6CP negotiate addresses and open; packets pass while they are Opened
  terminate      one side ends the link

States of LCP, IPCP and IPV6CP are those of RFC 1661: Req-Sent waits for both sides' options, Ack-Rcvd and Ack-Sent for
those of one side, Opened has them. A protocol that stays in Req-Sent gets no answer: see the frame errors, and
"ringback debug ppp negotiation" for its packets.

Frame errors: FCS is noise on the line, or a modem without error correction. The caller gave an aborted frame up. Octets
overrun were lost because this machine did not fetch them in time. Overflow is normal on a slow line: a full queue drops
packets to the caller, and TCP slows down.`,
		Example: "  ringback show ppp\n  ringback show ppp 65\n  ringback show ppp pools",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := 0
			if len(args) > 0 {
				var err error
				if n, err = lineNumber(args[0]); err != nil {
					return err
				}
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.PPPSessions(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { pppTable(w, v, f.wide(), here()) })
			}
			for _, s := range v {
				if s.TTY == n {
					return f.print(cmd.OutOrStdout(), s, func(w io.Writer) { pppText(w, s, here()) })
				}
			}
			return fmt.Errorf("there is no session of PPP on line %d: `ringback show ppp` lists them", n)
		},
	}
	f.addTable(c)
	c.AddCommand(newShowPPPPools())
	return c
}

func pppTable(w io.Writer, v []client.PPPSession, wide bool, at place) {
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
				frameErrors(s.Frames), spanText(s.Idle), spanText(s.Remaining), at.clock(s.Since), s.Call)
			continue
		}
		t.Row(s.TTY, s.User, s.Phase, auth, address, spanText(s.Idle))
	}
	t.WriteTo(w)
}

func pppText(w io.Writer, s client.PPPSession, at place) {
	user := cmp.Or(s.User, "a caller who has not logged in")
	fmt.Fprintf(w, "line %d: PPP of %s since %s, phase %s\n", s.TTY, console.Clean(user), at.clock(s.Since), s.Phase)
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
	return fmt.Sprintf("%s, %s, %d %s", numbered(int(t.Packets), "packet", "packets"),
		numbered(int(t.Octets), "octet", "octets"), lost, how)
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

func newShowPPPPools() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "pools",
		Short: "show the address pools of PPP, and who has which address",
		Long: `Prints for each pool how many addresses (IPv4) and prefixes (IPv6, /64) it has, and how many are

  in use     assigned to a session, or claimed by an address that AAA granted
  held back  given back less than the holdback time ago: only the same user gets them
  free       for the next caller

"Exhausted" is when a caller last found nothing free; the backup pool is asked then. An address that AAA grants may lie
outside of all pools. Addresses in use are listed below with their holders.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.PPPPools(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { poolTables(w, v, here()) })
		},
	}
	f.addOutput(c)
	return c
}

func poolTables(w io.Writer, v client.PPPPools, at place) {
	t := console.Table{
		Heads: []string{"Pool", "Of", "Size", "Used", "Held", "Free", "Exhausted", "Backup", "Holdback"},
		Right: []bool{false, false, true, true, true, true},
	}
	holders := console.Table{Heads: []string{"Address", "User", "Tty", "Since", "Pool"}}
	list := func(leases []client.PPPLease, pool string) {
		for _, l := range leases {
			holders.Row(l.Address, l.User, l.TTY, at.clock(l.Since), pool)
		}
	}
	for _, p := range v.Pools {
		holdback := time.Duration(p.Holdback * float64(time.Second)).String()
		usage := func(of string, u client.PPPPoolUsage) {
			exhausted := "never"
			if !u.Exhausted.IsZero() {
				exhausted = at.clock(u.Exhausted)
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
