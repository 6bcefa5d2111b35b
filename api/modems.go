package api

import (
	"cmp"
	"slices"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
)

func (d daemon) Modems() []client.Modem {
	status := d.b.Lines()
	v := make([]client.Modem, 0, len(status))
	for _, s := range status {
		if cfg, ok := d.b.LineConfig(s.TTY); ok {
			v = append(v, modemOf(s, cfg))
		}
	}
	return v
}

// modemOf shows what the driver of a line does with its modem.
func modemOf(s lines.Status, c lines.Config) client.Modem {
	m := client.Modem{TTY: s.TTY, State: string(s.State), InBand: s.InBand, Profile: c.Profile.Name, Init: c.Init,
		Answer: c.Profile.Answer, ErrorCorrection: c.Profile.ErrorCorrection, OnHold: c.Profile.OnHold,
		Verify: []client.Register{}, ResultCodes: []client.ResultCode{}, Notices: s.Notices}
	if c.CallerID || c.CallCheck {
		m.CallerID, m.CallerIDOrder = c.Profile.CallerID.Command, string(c.Profile.CallerID.Order)
	}
	if s.InBand {
		m.ProofRegisters = c.ProofRegisters
	}
	for _, r := range c.Profile.Verify {
		m.Verify = append(m.Verify, client.Register{Register: r.Number, Value: r.Value})
	}
	for text, code := range c.ResultCodes {
		m.ResultCodes = append(m.ResultCodes, client.ResultCode{Text: text, Means: cmp.Or(string(code), "progress")})
	}
	slices.SortFunc(m.ResultCodes, func(a, b client.ResultCode) int { return cmp.Compare(a.Text, b.Text) })
	return m
}
