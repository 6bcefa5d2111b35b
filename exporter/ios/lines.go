package ios

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// ppp prints the pools, and an interface for each range of lines that serves PPP.
func (e *exporter) ppp() {
	for _, p := range e.get("ppp", "pools").Items() {
		e.pool(p)
	}
	n := 0
	for _, v := range e.get("lines").Items() {
		if name := v.Get("ppp_profile"); name.IsSet() {
			n++
			e.say(name)
			e.group(n, v, name.Text())
		}
	}
	e.say(e.get("ppp", "callback"))
}

func (e *exporter) pool(p *schema.Value) {
	name := p.Get("name")
	if !word(name.Text()) {
		e.note(name, "IOS has no pool with such a name")
		return
	}
	e.say(name, p.Get("addresses"))
	for _, text := range p.Get("addresses").Texts() {
		from, to, isRange := strings.Cut(text, "-")
		if prefix, err := netip.ParsePrefix(text); err == nil {
			first, last := inside(prefix)
			from, to, isRange = first.String(), last.String(), first != last
		}
		if isRange {
			e.line("ip local pool %s %s %s", name.Text(), strings.TrimSpace(from), strings.TrimSpace(to))
		} else {
			e.line("ip local pool %s %s", name.Text(), strings.TrimSpace(from))
		}
	}
}

// inside returns the first and the last address of a network that callers may have.
func inside(p netip.Prefix) (first, last netip.Addr) {
	p = p.Masked()
	octets := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		octets[bit/8] |= 1 << (7 - bit%8)
	}
	first, last = p.Addr(), netip.AddrFrom4(octets)
	if p.Bits() < 31 {
		first, last = first.Next(), last.Prev()
	}
	return first, last
}

// group prints the interface of a range of lines.
func (e *exporter) group(n int, line *schema.Value, name string) {
	var f *schema.Value
	for _, p := range e.get("ppp", "profiles").Items() {
		if p.Get("name").Text() == name {
			f = p
		}
	}
	first, last, _ := schema.ParseTTYs(line.Get("tty").Text())
	e.line("interface Group-Async%d", n)
	e.say(f.Get("name"))
	if a := e.say(f.Get("address")); a.IsSet() {
		e.line(" ip address %s 255.255.255.255", a.Text())
	}
	e.line(" encapsulation ppp")
	auto := line.Get("autoselect").Texts()
	if slices.Contains(auto, "dedicated") {
		e.line(" async mode dedicated")
	} else {
		e.line(" async mode interactive")
	}
	if p := e.say(f.Get("pool")); p.IsSet() && word(p.Text()) {
		e.line(" peer default ip address pool %s", p.Text())
	}
	e.authentication(f, line)
	profile, _ := e.cfg.PPP.Profile(name)
	if e.get("ppp", "callback").Bool(true) {
		if profile.Front.CBCP || profile.Front.RFC1570 {
			e.line(" ppp callback accept")
		}
		if profile.Front.Initiate {
			e.line(" ppp callback initiate")
		}
	}
	e.say(f.Get("callback"))
	for _, key := range []string{"dns", "wins"} {
		if v := f.Get(key); len(v.Items()) > 0 {
			e.say(v)
			e.line(" ppp ipcp %s %s", key, strings.Join(v.Texts()[:min(len(v.Items()), 2)], " "))
		}
	}
	if v := f.Get("idle_timeout"); v.IsSet() {
		if s, whole := seconds(v.Duration()); whole && s > 0 {
			e.say(v)
			e.line(" dialer idle-timeout %d", s)
		}
	}
	e.line(" group-range %d %d", first, last)
}

// authentication prints the methods of PPP and the lists of a line.
func (e *exporter) authentication(f, line *schema.Value) {
	words := f.Get("authentication").Texts()
	if len(words) == 0 {
		words = []string{"ms-chap-v2", "chap", "pap"}
	}
	e.say(f.Get("authentication"))
	list := ""
	if v := e.say(line.Get("ppp")); v.IsSet() && v.Text() != "default" {
		list = " " + v.Text()
	}
	e.line(" ppp authentication %s%s", strings.Join(words, " "), list)
	if v := e.say(line.Get("network")); v.IsSet() && v.Text() != "default" {
		e.line(" ppp authorization %s", v.Text())
	}
}

// families are IOS's names of modems, by profile.
var families = map[string]string{"usr-courier": "usr_courier", "usr-sportster": "usr_sportster",
	"telebit-t3000": "telebit_t3000"}

// modes are IOS's names of what a line does.
var modes = map[string]string{"": "InOut", "inout": "InOut", "callin": "dialin", "callout": "callout"}

// lines prints the lines.
func (e *exporter) lines() {
	for _, v := range e.get("lines").Items() {
		first, last, _ := schema.ParseTTYs(v.Get("tty").Text())
		if first == last {
			e.line("line %d", first)
		} else {
			e.line("line %d %d", first, last)
		}
		e.say(v.Get("tty"))
		e.note(v.Get("port"), "IOS does not say where the modem is")
		e.serial(v, first)
		e.scriptsOf(v)
		e.lineLists(v)
		e.line(" modem %s", modes[v.Get("modem").Text()])
		e.say(v.Get("modem"))
		if p := v.Get("profile"); families[p.Text()] != "" {
			e.say(p)
			e.line(" modem autoconfigure type %s", families[p.Text()])
		}
		e.rotary(v)
		e.autoselect(v)
		if w := v.Get("callback", "forced_wait"); w.IsSet() {
			n, whole := seconds(w.Duration())
			if !whole {
				n++
				e.note(w, "IOS counts whole seconds: the wait is rounded up")
			}
			e.say(w)
			e.line(" callback forced-wait %d", n)
		}
		if same := v.Get("callback", "same_line_no_verify"); same.Bool(false) {
			e.note(same, "IOS always does so")
		}
		e.idle()
	}
	e.say(e.get("exec", "idle_timeout"))
}

// serial prints how a line's port is set.
func (e *exporter) serial(v *schema.Value, tty int) {
	flow := v.Get("flow_control").Text()
	for i := range e.cfg.Lines {
		l := &e.cfg.Lines[i]
		if l.TTY != tty {
			continue
		}
		if l.Address.Speed > 0 {
			e.line(" speed %d", l.Address.Speed)
		}
		if flow == "" {
			flow = l.Address.Flow
		}
		e.format(fmt.Sprint(l.Address.Format))
	}
	if a := v.Get("speed"); a.Text() == "auto" {
		e.line(" autobaud")
	}
	e.say(v.Get("speed"), v.Get("flow_control"))
	if flow != "" {
		e.line(" flowcontrol %s", flow)
	}
}

// format prints a format such as 7e1; 8n1 is the default.
func (e *exporter) format(text string) {
	if len(text) != 3 || text == "8n1" {
		return
	}
	e.line(" databits %c", text[0])
	e.line(" parity %s", map[byte]string{'n': "none", 'e': "even", 'o': "odd"}[text[1]])
	e.line(" stopbits %c", text[2])
}

func (e *exporter) scriptsOf(v *schema.Value) {
	for _, s := range []string{"startup", "reset", "activation", "modem_off_hook", "callback", "dialer"} {
		if x := v.Get("scripts", s); x.IsSet() && word(x.Text()) {
			e.say(x)
			e.line(" script %s %s", strings.ReplaceAll(s, "_", "-"), x.Text())
		}
	}
}

// lineLists prints the method lists of a line. Those of PPP are on the interface.
func (e *exporter) lineLists(v *schema.Value) {
	for _, k := range []struct{ key, command string }{{"login", "login authentication"},
		{"exec", "authorization exec"}, {"commands", "authorization commands 15"}, {"accounting", "accounting exec"}} {
		x := v.Get(k.key)
		switch {
		case x.IsSet() && word(x.Text()):
			e.say(x)
			e.line(" %s %s", k.command, x.Text())
		case k.key == "login" && !x.IsSet():
			e.line(" login authentication default")
		}
	}
	for _, key := range []string{"enable", "ppp", "network", "dial_out"} {
		if x := v.Get(key); x.Text() == "default" {
			e.say(x) // what IOS does anyway
		}
	}
}

func (e *exporter) rotary(v *schema.Value) {
	r := v.Get("rotary")
	if !r.IsSet() {
		return
	}
	e.say(r)
	hunt := e.get("rotaries", fmt.Sprint(r.Int()), "hunt")
	switch hunt.Text() {
	case "round_robin":
		e.say(hunt)
		e.line(" rotary %d round-robin", r.Int())
		return
	case "linear":
		e.say(hunt)
	}
	e.line(" rotary %d", r.Int())
}

func (e *exporter) autoselect(v *schema.Value) {
	a := e.say(v.Get("autoselect"))
	for _, word := range a.Texts() {
		switch word {
		case "ppp":
			e.line(" autoselect ppp")
		case "during_login":
			e.line(" autoselect during-login")
		}
	}
}

// idle prints the idle timeout of the EXEC, which IOS has on each line.
func (e *exporter) idle() {
	v := e.get("exec", "idle_timeout")
	if !v.IsSet() {
		return
	}
	n, _ := seconds(v.Duration())
	e.line(" exec-timeout %d %d", n/60, n%60)
}
