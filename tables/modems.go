package tables

import (
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Modems prints how the modem of each line is operated.
func Modems(w io.Writer, v []client.Modem) {
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

// Modem prints how one modem is operated.
func Modem(w io.Writer, m client.Modem) {
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
