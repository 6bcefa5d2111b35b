package ios

import (
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/lines/port"
)

// makeLines writes the lines of the site.
func (p *parser) makeLines(site *importer.Site, segments []*segment) {
	var all []importer.Map
	var last *segment
	placeholder := false
	same := p.sameLine(segments)
	hunts := importer.Map{}
	for _, s := range segments {
		m := p.lineKeys(s, same[s])
		url, given := p.portOf(s)
		placeholder = placeholder || !given
		m = append(importer.Map{{Key: "tty", Value: ""}, {Key: "port", Value: url}}, m...)
		if n := len(all); n > 0 && last.last+1 == s.first && strings.Contains(url, "{") && equal(all[n-1], m) {
			last.last = s.last
		} else {
			all, last = append(all, m), &segment{first: s.first, last: s.last}
		}
		all[len(all)-1][0].Value = importer.Word(rangeText(last.first, last.last))
		if v, ok := s.set["hunt"]; ok && s.rotary == v.value {
			hunt := importer.Pair{Key: itoa(s.rotary), Value: importer.Map{{Key: "hunt",
				Value: importer.Word("round_robin")}}}
			if !slices.ContainsFunc(hunts, func(p importer.Pair) bool { return p.Key == hunt.Key }) {
				hunts = append(hunts, hunt)
			}
		}
	}
	site.Last.Set("rotaries", hunts)
	about := "The lines with a modem, by their numbers in IOS."
	if placeholder {
		about += " Their ports are placeholders: IOS does not say where the\nmodems are. Write the ports here, or " +
			"import again " +
			"with --port."
		p.warnings = append(p.warnings, "IOS does not say where the modems are: the lines have ports of the host "+
			"console.example.net. Edit `port`, or import again with --port 'rfc2217://HOST:{2000+tty}' or --port "+
			"65=serial:///dev/ttyS0")
	}
	if len(all) == 0 {
		p.warnings = append(p.warnings, "the text has no line with a modem (`modem InOut` below `line`): no call "+
			"can be "+
			"answered")
	}
	site.Last.SetAbout(about, "lines", all)
}

// equal reports whether two lines have the same keys, except their numbers.
func equal(a, b importer.Map) bool {
	return importer.Map{{Key: "line", Value: a[1:]}}.YAML() == importer.Map{{Key: "line", Value: b[1:]}}.YAML()
}

// portOf returns the URL of the port of lines, and whether the options name it.
func (p *parser) portOf(s *segment) (url string, given bool) {
	url = PlaceholderPort
	for _, o := range p.opt.Ports {
		if o.First <= s.first && s.last <= o.Last {
			url, given = o.URL, true
			break
		}
	}
	if strings.Contains(url, "?") {
		return url, given
	}
	if kind, _, _ := strings.Cut(url, ":"); kind != "serial" && !strings.HasPrefix(kind, "rfc2217") {
		return url, given
	}
	var params []string
	for _, param := range []string{p.speedOf(s), p.formatOf(s)} {
		if param != "" {
			params = append(params, param)
		}
	}
	if len(params) > 0 {
		url += "?" + strings.Join(params, "&")
	}
	return url, given
}

// speedOf is the speed of the port; "": not said, or not one of a serial port.
func (p *parser) speedOf(s *segment) string {
	v, ok := s.set["speed"]
	rx, both := s.set["rxspeed"]
	if !ok {
		v, ok = rx, both
	}
	if !ok {
		return ""
	}
	text := "speed=" + itoa(v.value.(int))
	if _, err := port.Parse("rfc2217://h:1?" + text); err != nil {
		p.amend(v.row, unsupported("not a speed of serial ports"))
		return ""
	}
	if both && rx.value != v.value {
		p.warn(rx.row, "both directions have %s", text)
	}
	return text
}

// formatOf is the format of the characters; "": 8n1.
func (p *parser) formatOf(s *segment) string {
	bits, parity, stop := 8, "n", "1"
	if v, ok := s.set["databits"]; ok {
		if bits = v.value.(int); bits < 7 {
			p.amend(v.row, unsupported("a port has 7 or 8 data bits"))
			return ""
		}
	}
	if v, ok := s.set["parity"]; ok {
		if parity = v.value.(string); parity == "" {
			p.amend(v.row, unsupported("a port has even, odd or no parity"))
			return ""
		}
	}
	if v, ok := s.set["stopbits"]; ok {
		if stop = v.value.(string); stop == "" {
			p.amend(v.row, unsupported("a port has 1 or 2 stop bits"))
			return ""
		}
	}
	if text := itoa(bits) + parity + stop; text != "8n1" {
		return "format=" + text
	}
	return ""
}

// lineKeys are the keys of lines besides tty and port.
func (p *parser) lineKeys(s *segment, sameLine bool) (m importer.Map) {
	m.Set("modem", importer.Word(s.mode))
	if !s.set.has("modem") {
		p.warn(s.blocks[len(s.blocks)-1].rows[0], "the text has no command `modem` for it: it answers and dials")
	}
	if v, ok := s.set["profile"]; ok {
		m.Set("profile", p.profileOf(v))
	}
	m.Set("flow_control", importer.Word(s.set.text("flowcontrol")))
	if s.rotary >= 0 {
		m = append(m, importer.Pair{Key: "rotary", Value: s.rotary})
	}
	p.lineLists(s, &m)
	if s.ppp {
		var how []importer.Word
		switch {
		case s.iface.dedicated:
			how = []importer.Word{"dedicated"}
		case s.set.has("autoselect ppp") && s.set.has("during-login"):
			how = []importer.Word{"ppp", "during_login"}
		case s.set.has("autoselect ppp"):
			how = []importer.Word{"ppp"}
		}
		if how != nil && s.mode != "callout" {
			m.Set("autoselect", how)
		}
		m.Set("ppp_profile", s.iface.profile)
	} else if v, ok := s.set["autoselect ppp"]; ok {
		p.amend(v.row, unsupported("PPP is not served: no asynchronous interface of the line has encapsulation ppp, "+
			"or "+
			"the line has 7 data bits or software flow control"))
	}
	scripts := importer.Map{}
	for _, k := range lineScripts {
		if pattern := p.scriptOf(s, k.event, k.dials, k.call); pattern != "" {
			scripts.Set(k.key, pattern)
		}
	}
	m.Set("scripts", scripts)
	callback := importer.Map{}
	if v, ok := s.set["forced-wait"]; ok && v.value.(int) > 0 {
		callback.Set("forced_wait", time.Duration(v.value.(int))*time.Second)
	}
	if sameLine {
		callback.Set("same_line_no_verify", true)
		p.warn(s.blocks[0].rows[0], "callers may be called back on the line that they called, without a second login "+
			"(callback: {same_line_no_verify: true}), as in IOS: a caller that never hangs up is let in. A rotary "+
			"with another line prevents that")
	}
	m.Set("callback", callback)
	return m
}

// scriptOf returns the expression of the script for an event, if one can run.
func (p *parser) scriptOf(s *segment, event string, dials, call bool) string {
	v, ok := s.set["script "+event]
	if !ok {
		return ""
	}
	pattern := v.value.(string)
	switch {
	case s.mode == "callin" && dials:
		p.amend(v.row, unsupported("the line answers only, so it never dials"))
		return ""
	case s.mode == "callout" && call:
		p.amend(v.row, unsupported("the line dials only, so it never answers"))
		return ""
	}
	key := [2]string{event, pattern}
	why, ok := p.unusable[key]
	if !ok {
		why = p.scriptFor(pattern, dials, call)
		if p.unusable == nil {
			p.unusable = map[[2]string]string{}
		}
		p.unusable[key] = why
	}
	if why != "" {
		p.amend(v.row, unsupported("%s", why))
		return ""
	}
	return pattern
}

// families are the profiles of modems by IOS's names for `modem autoconfigure type`.
var families = map[string]string{"usr_courier": "usr-courier", "usr_sportster": "usr-sportster",
	"telebit_t3000": "telebit-t3000", "codex_3260": "", "hayes_optima": "", "global_village": "", "viva": "",
	"default":       "generic",
	"microcom_hdms": "", "microcom_server": "", "nec_v34": "", "nec_v110": "", "cisco_v110": "", "mica": "",
	"nextport": ""}

func (p *parser) profileOf(v setting) string {
	name := families[strings.ToLower(v.value.(string))]
	if name == "" {
		p.amend(v.row, unsupported("no profile has this name of IOS: `ringback modem probe` finds out which one the "+
			"modem "+
			"has"))
	}
	return name
}

// name is "tty 65" or "tty 65-70".
func (s *segment) name() string { return "tty " + rangeText(s.first, s.last) }

// sameLine finds the lines that only they themselves call back, without a second login.
func (p *parser) sameLine(segments []*segment) map[*segment]bool {
	if !contains(p.groups, groupNoVerify) && !contains(p.groups, groupAnyNo) {
		return nil
	}
	dialers := map[int]int{}
	for _, s := range segments {
		if s.mode != "callin" && s.rotary >= 0 {
			dialers[s.rotary] += s.last - s.first + 1
		}
	}
	named, rotaries := map[int]bool{}, map[int]bool{}
	for _, u := range p.users {
		if u.bad != "" || u.callback == nil || !u.callback.noVerify {
			continue
		}
		if first, last := ends(u.callback.lines); first == last {
			named[first] = true
		}
		if u.callback.rotary != nil && dialers[*u.callback.rotary] == 1 {
			rotaries[*u.callback.rotary] = true
		}
	}
	same := map[*segment]bool{}
	for _, s := range segments {
		if s.mode != "inout" {
			continue
		}
		same[s] = s.rotary < 0 || dialers[s.rotary] <= 1 || rotaries[s.rotary]
		for tty := s.first; tty <= s.last; tty++ {
			same[s] = same[s] || named[tty]
		}
	}
	return same
}

// lineLists sets the method lists of lines.
func (p *parser) lineLists(s *segment, m *importer.Map) {
	name := func(kind string, v setting, ok bool) {
		chosen, _ := v.value.(string)
		if !ok || chosen == "default" || chosen == "" {
			return
		}
		switch {
		case p.imports(kind, chosen):
		case kind == "commands" || kind == "accounting":
			p.amend(v.row, unsupported("the text has no list of this name that can be imported: the list default "+
				"applies"))
			return
		default:
			p.amend(v.row, unsupported("the text has no list of this name that can be imported: only local users "+
				"log in, by the list %s", localList))
			chosen = localList
		}
		m.Set(kind, chosen)
	}
	if v := s.set["login"]; v.value == "tacacs" {
		name("login", setting{"tacacs", v.row}, true)
	} else {
		v, ok := s.set["login list"]
		name("login", v, ok)
	}
	v, ok := s.set["exec list"]
	name("exec", v, ok)
	v, ok = s.set["commands list"]
	if commands, _ := v.value.(string); ok {
		_, commands, _ = strings.Cut(commands, " ")
		name("commands", setting{commands, v.row}, true)
	}
	accounting, counted := s.set["accounting list"]
	if f := s.iface; s.ppp {
		name("ppp", setting{f.authList.text, f.authList.row}, f.authList.text != "")
		name("network", setting{f.networkList.text, f.networkList.row}, f.networkList.text != "")
		if f.accountList.text != "" && !counted {
			accounting, counted = setting{f.accountList.text, f.accountList.row}, true
		}
	}
	name("accounting", accounting, counted)
}
