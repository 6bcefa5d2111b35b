package cli

import (
	"fmt"
	"io"

	"github.com/ringback/ringback/tables"
	"github.com/spf13/cobra"
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
				return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.PPP(w, v, f.wide(), tables.Here()) })
			}
			for _, s := range v {
				if s.TTY == n {
					return f.print(cmd.OutOrStdout(), s, func(w io.Writer) { tables.PPPSession(w, s, tables.Here()) })
				}
			}
			return fmt.Errorf("there is no session of PPP on line %d: `ringback show ppp` lists them", n)
		},
	}
	f.addTable(c)
	c.AddCommand(newShowPPPPools())
	return c
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
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Pools(w, v, tables.Here()) })
		},
	}
	f.addOutput(c)
	return c
}
