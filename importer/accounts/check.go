package accounts

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// Check returns why a grant must not become a local user: the user would have more than before, or cannot be had at
// all. nil: it may.
func (g Grant) Check() error {
	a := &g.Auth
	switch {
	case a.Refuse != "":
		return errors.New("ringback would reject what the user is granted: " + a.Refuse)
	case a.CallerID:
		return errors.New("a local user cannot be called back at the calling number")
	case a.Autocmd != "":
		return errors.New("a local user has no autocmd, and would have the whole EXEC instead of that command")
	case a.Host != nil:
		return errors.New("a local user is not connected to a host, and would have the EXEC instead")
	case a.Framed != nil && len(a.Framed.InACL)+len(a.Framed.OutACL) > 0, len(a.FilterIDs) > 0 && g.Service == aaa.PPP:
		return errors.New("a local user has no filters, and would reach more than before (write the filter into " +
			"ppp.filters, and ppp: {filter} into the policy file of a group)")
	case a.SessionTimeout > longest || a.IdleTimeout > longest:
		return fmt.Errorf("a time limit of more than %v cannot be kept", longest)
	}
	if a.Callback {
		for _, n := range a.Numbers() {
			if err := CheckNumber(n); err != nil {
				return err
			}
		}
	}
	return g.password()
}

// CheckNumber returns why a number of an input is never dialed. A prefix that ends with commas, as of "9,5551212", is
// one of the trunk: see TrunkPrefix.
func CheckNumber(n string) error {
	plan := numbers.Plan{TrunkPrefixes: []string{TrunkPrefix(n)}}
	if plan.TrunkPrefixes[0] == "" {
		plan.TrunkPrefixes = nil
	}
	number, err := plan.Canonical(n, numbers.OriginAAA)
	if err != nil {
		return fmt.Errorf("the number to call: %w", err)
	}
	if p := plan.IsEmergency(number); p != "" {
		return fmt.Errorf("the number to call is an emergency number (%q), which is never dialed", p)
	}
	return nil
}

var prefix = regexp.MustCompile(`^[0-9]{1,4}[,Ww]+`)

// TrunkPrefix returns the digits and pauses at the beginning of a number with which an exchange is left; "" if there
// are no pauses.
func TrunkPrefix(n string) string { return prefix.FindString(n) }

// longest is the longest limit that a policy may have.
const longest = 7 * 24 * time.Hour

// password returns what is wrong with the password.
func (g Grant) password() error {
	switch {
	case g.Hash != "":
		_, err := aaa.ParseHash(g.Hash)
		return err
	case g.Password == "":
		return errors.New("there is no password that can be imported")
	case len(g.Password) > 254 || strings.ContainsFunc(g.Password, unicode.IsControl):
		return errors.New("the password has control characters or more than 254 octets")
	}
	return nil
}

// Lost returns what a local user lacks of a grant that Check accepts, as reasons for the report: nothing of it lets the
// user do more.
func (g Grant) Lost() (all []string) {
	a := &g.Auth
	add := func(is bool, text string) {
		if is {
			all = append(all, text)
		}
	}
	add(a.PortLimit > 0, "a local user has no limit of simultaneous sessions")
	add(a.SendSecret != "", "a local user has no secret with which ringback authenticates itself")
	add(a.ReplyMessage != "", "a local user has no text that is shown after the login")
	add(len(a.Class) > 0 || a.AccountingUser != "", "a local user has no Class and no other name for accounting")
	add(len(a.FilterIDs) > 0, "a local user has no filters")
	add(a.InterimInterval > 0, "the interval of accounting is that of aaa.lists.accounting")
	if f := a.Framed; f != nil {
		add(f.MTU > 0 || f.Compression != "", "a local user has no MTU and no compression: PPP negotiates them")
		add(f.Address != "" && f.Address != "assign" && f.Address != "negotiate" || f.Netmask != "" ||
			len(f.IPv6Prefix) > 0 || f.InterfaceID != "",
			"a local user has no address: it is that of the line's PPP profile")
		add(f.Pool != "" || f.IPv6Pool != "", "a local user has no pool: it is that of the PPP profile, or "+
			"ppp: {pool} of the group's policy file")
		add(len(f.Routes) > 0, "a local user has no routes")
		add(len(f.DNS)+len(f.WINS) > 0, "name servers are those of the PPP profile")
	}
	return all
}
