package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

func newShowModem() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:     "modem [N]",
		Short:   "show the modems: profile, caller ID, how the state is proven; with N, all settings of line N's modem",
		Example: "  ringback show modem\n  ringback show modem 65",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n := -1
			if len(args) == 1 {
				var err error
				if n, err = lineNumber(args[0]); err != nil {
					return err
				}
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Modems(cmd.Context())
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { modemTable(w, v) })
			}
			for _, m := range v {
				if m.TTY == n {
					return f.print(cmd.OutOrStdout(), m, func(w io.Writer) { modemText(w, m) })
				}
			}
			return fmt.Errorf("there is no line %d: `ringback show line` lists them", n)
		},
	}
	f.addOutput(c)
	return c
}

func modemTable(w io.Writer, v []client.Modem) {
	t := console.Table{Heads: []string{"Tty", "State", "Profile", "Caller ID", "On hook by"}}
	for _, m := range v {
		id := "off"
		if m.CallerID != "" {
			id = m.CallerID
		}
		t.Row(m.TTY, m.State, m.Profile, id, proofText(m))
		t.Note(strings.Join(m.Notices, "; "))
	}
	t.WriteTo(w)
}

// proofText says what proves that the modem is on hook.
func proofText(m client.Modem) string {
	if !m.InBand {
		return "DTR and DCD"
	}
	return "S" + strings.ReplaceAll(strings.Trim(fmt.Sprint(m.ProofRegisters), "[]"), " ", " S")
}

func modemText(w io.Writer, m client.Modem) {
	fmt.Fprintf(w, "modem of line %d: %s\n", m.TTY, m.State)
	field := func(name, value string) {
		if text := console.Clean(value); text != "" {
			fmt.Fprintf(w, "  %-16s %s\n", name, text)
		}
	}
	for _, n := range m.Notices {
		field("notice", n)
	}
	field("profile", m.Profile)
	field("init", m.Init)
	field("error correction", m.ErrorCorrection)
	field("modem-on-hold", m.OnHold)
	field("answer", m.Answer)
	if m.CallerID != "" {
		field("caller ID", m.CallerID+", "+strings.ReplaceAll(m.CallerIDOrder, "_", " "))
	}
	field("on hook by", proofText(m))
	for _, r := range m.Verify {
		field("verified", fmt.Sprintf("S%d=%d", r.Register, r.Value))
	}
	for _, c := range m.ResultCodes {
		field("text", c.Text+" means "+c.Means)
	}
}
