package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShowAAA() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "aaa",
		Short: "show the AAA servers: state, last answer, why one was silent",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.AAAServers(cmd.Context())
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { aaaTable(w, v, f.wide(), here()) })
		},
	}
	f.addTable(c)
	return c
}

func aaaTable(w io.Writer, v []client.AAAServer, wide bool, at place) {
	t := console.Table{Heads: []string{"Server", "Protocol", "Address", "Serves", "State", "Answered"}}
	if wide {
		t.Heads = []string{"Server", "Protocol", "Address", "Serves", "State", "Sockets", "Dropped", "Answered",
			"Reason"}
	}
	short := strings.NewReplacer("authentication", "auth", "accounting", "acct")
	for _, s := range v {
		answered := "-"
		if !s.Answered.IsZero() {
			answered = at.clock(s.Answered)
		}
		protocol := s.Protocol + " " + s.Transport
		if wide {
			t.Row(s.Name, protocol, s.Address, s.Serves, s.State, s.Sockets, s.Dropped, answered, s.Reason)
			continue
		}
		t.Row(s.Name, protocol, s.Address, short.Replace(s.Serves), s.State, answered)
		t.Note(s.Reason)
		if s.Dropped > 0 {
			t.Note(numbered(int(s.Dropped), "reply was", "replies were") + " dropped: not authentic, or not expected")
		}
	}
	t.WriteTo(w)
}
