package explain

import (
	"fmt"
	"strings"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/cbcp"
)

// Way is what a caller of PPP gets, by how it asks for a callback.
type Way struct {
	Request string `json:"request"` // "CBCP", "none", …
	Outcome string `json:"outcome"`
}

// waysOf returns the ways that the profile of the called line allows: all of them if no line is given.
func (r *Report) waysOf(cfg *config.Config, line config.Line, d policies.Decision) []Way {
	cbcpOn, optionOn, initiate := true, true, false
	if line.TTY != 0 {
		p, _ := cfg.PPP.Profile(line.PPP.Profile)
		cbcpOn, optionOn, initiate = p.Front.CBCP, p.Front.RFC1570, p.Front.Initiate
	}
	g := cbcp.Grant{Admitted: d.Outcome == policies.Admit,
		Offered: d.Outcome == policies.CallBack || d.Outcome == policies.AskNumber,
		Fixed:   d.Outcome == policies.CallBack, MayDecline: d.MayDecline, Secure: d.Secure}
	var out []Way
	for _, way := range []struct {
		on      bool
		request string
		wish    cbcp.Wish
	}{
		{cbcpOn, "CBCP", cbcp.Wish{Way: cbcp.ByCBCP}},
		{optionOn, "RFC 1570, operation 0 (by user)", cbcp.Wish{Way: cbcp.ByUser}},
		{optionOn, "RFC 1570, operations 1 and 3 (by number)", cbcp.Wish{Way: cbcp.ByNumber, Number: "0"}},
		{optionOn, "RFC 1570, operation 2 (by place)", cbcp.Wish{Way: cbcp.ByPlace, Place: "a place"}},
		{true, "none", cbcp.Wish{}},
	} {
		if way.on {
			out = append(out, Way{way.request, wayOutcome(cbcp.PlanFor(g, way.wish, initiate), d)})
		}
	}
	return out
}

// wayOutcome describes what follows a request.
func wayOutcome(p cbcp.Plan, d policies.Decision) string {
	switch {
	case p.Do == cbcp.Negotiate:
		var offers []string
		for _, o := range []struct {
			on   bool
			text string
		}{
			{p.Offer.None, "no callback"}, {p.Offer.Admin, fmt.Sprintf("a callback at %s", d.Number)},
			{p.Offer.User, "a callback at a number of the caller"},
		} {
			if o.on {
				offers = append(offers, o.text)
			}
		}
		return "offered " + strings.Join(offers, ", ")
	case p.Do == cbcp.Promise && p.Choice.Number != "":
		return "called back at the number, if the policy allows it"
	case p.Do == cbcp.Promise && p.Choice.Place != "":
		return "called back at the place, if it is in places and the policy allows its number"
	case p.Do == cbcp.Promise:
		return fmt.Sprintf("called back at %s", d.Number)
	case p.Do == cbcp.Open:
		return "admitted"
	case p.Do == cbcp.Disconnect:
		return fmt.Sprintf("disconnected, then called back at %s", d.Number)
	}
	return "rejected"
}
