package ios

import (
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/importer"
)

// about is the first comment of the configuration.
const about = `Imported from a configuration of IOS. What became of each of its lines is in the report of the import.
After a change: ringback check-config, then ringback reload.`

// site makes the configuration, and completes the report.
func (p *parser) site() (*importer.Site, error) {
	s := &importer.Site{About: about}
	s.Keys.Set("hostname", p.hostname)
	if text := p.bannerMOTD + p.bannerLogin; text != "" {
		s.Keys.Set("banner", text)
	}
	segments, err := p.segments()
	if err != nil {
		return nil, err
	}
	if err := p.checkPorts(segments); err != nil {
		return nil, err
	}
	p.makeServers(s)
	profiles := p.makeProfiles(segments)
	p.rotariesOf(segments)
	p.makeUsers(s)
	p.makeEnable(s)
	p.makeAAA(s)
	p.makeCallbackKeys(s, segments)
	p.makeScripts(s)
	p.makePolicies(s)
	p.makePPP(s, profiles)
	p.makeLines(s, segments)
	return s, nil
}

// rotariesOf finds the lines that dial, and keeps the rotaries that callbacks use.
func (p *parser) rotariesOf(segments []*segment) {
	dials := make([]bool, maxTTY+2)
	p.rotaries = map[int]bool{}
	wanted := map[int]bool{}
	for _, u := range p.users {
		if u.callback != nil && u.callback.rotary != nil {
			wanted[*u.callback.rotary] = true
		}
	}
	byAAA := p.newModel && len(p.servers) > 0
	for _, s := range segments {
		v, has := s.set["rotary"]
		if has {
			n := v.value.(int)
			if wanted[n] || byAAA {
				s.rotary = n
				p.warn(v.row, "callbacks of users without a line or rotary of their own are dialed by another line of "+
					"the rotary too, where IOS uses the called line")
			} else {
				p.amend(v.row, harmless("no user is called back by the rotary; with it, another line of the rotary "+
					"would "+
					"call back, where IOS uses the called line"))
			}
		}
		if s.mode == "callin" {
			continue
		}
		for tty := s.first; tty <= s.last; tty++ {
			dials[tty] = true
		}
		if s.rotary >= 0 {
			p.rotaries[s.rotary] = true
		}
	}
	p.silent = make([]int, len(dials))
	for tty := len(dials) - 1; tty >= 0; tty-- {
		if p.silent[tty] = tty; dials[tty] {
			p.silent[tty] = p.silent[tty+1]
		}
	}
}

func (p *parser) makeEnable(s *importer.Site) {
	if p.enable == nil {
		return
	}
	m := importer.Map{}
	if p.enable.hash != "" {
		m.Set("password_hash", p.enable.hash)
	} else {
		m.Set("password_file", s.Secret("enable.secret", p.enable.plain))
	}
	s.Keys.SetAbout("The password of privileged levels.", "enable", m)
}

// makeCallbackKeys says for which services users are called back.
func (p *parser) makeCallbackKeys(s *importer.Site, segments []*segment) {
	m := importer.Map{{Key: "callback", Value: p.execCallback > 0 || p.arapCallback > 0}}
	var idle *setting
	for _, seg := range segments {
		v, ok := seg.set["exec-timeout"]
		switch {
		case !ok:
		case idle == nil:
			idle = &v
		case v.value != idle.value:
			p.amend(v.row, unsupported("the EXEC has one idle timeout for all lines, that of line %d of the text; "+
				"write "+
				"limits: {idle_time} into a policy file", p.rows[idle.row].Line))
		}
	}
	if idle != nil {
		m = append(m, importer.Pair{Key: "idle_timeout", Value: idle.value.(time.Duration)})
	}
	s.Keys.SetAbout("service exec-callback", "exec", m)
	if !m[0].Value.(bool) && p.pppCallback {
		p.warnings = append(p.warnings, "the text has no service exec-callback: a user that is to be called back is "+
			"rejected at the EXEC, where IOS lets the user in. With exec: {callback: true} the user is called back")
	}
	login, prompts := importer.Map{}, importer.Map{}
	if p.tries > 0 {
		login.Set("tries", p.tries)
	}
	prompts.Set("username", p.promptUser)
	prompts.Set("password", p.promptPassword)
	s.Keys.Set("login", login)
	s.Keys.Set("prompts", prompts)
}

func (p *parser) makeScripts(s *importer.Site) {
	var all []importer.Map
	for _, c := range p.scripts {
		all = append(all, importer.Map{{Key: "name", Value: c.Name}, {Key: "script", Value: c.Text}})
	}
	s.Last.SetAbout("chat-script", "chat_scripts", all)
}

// makePolicies writes the files of the groups that the local users need, and that of all others.
func (p *parser) makePolicies(s *importer.Site) {
	word := func(text string) importer.Word { return importer.Word(text) }
	fixed, any := []importer.Word{"aaa"}, []importer.Word{"aaa", "caller"}
	for _, group := range p.groups {
		policy := importer.Policy{Group: group}
		policy.Keys.Set("callback", word("required"))
		numbers := importer.Map{{Key: "from", Value: fixed}}
		what := "Users of the text that are called back at a fixed number"
		if group == groupAny || group == groupAnyNo {
			what = "Users of the text that type the number at which they are called back. As in IOS, any number is " +
				"allowed:\n" +
				"write the prefixes that they need into `allow`, and ceilings into `limits` (docs/how-to/toll-fraud.md)"
			numbers = importer.Map{{Key: "from", Value: any}, {Key: "allow", Value: []string{"*"}}}
			p.warnings = append(p.warnings, "group "+group+": callers may type any number, as in IOS. Each call costs "+
				"money: narrow numbers: {allow} and set limits in policies.d/"+group+".yaml")
		}
		if group == groupNoVerify || group == groupAnyNo {
			policy.Keys.Set("no_verify", word("allow"))
			what += ",\nwithout a second login (nocallback-verify)"
			p.warnings = append(p.warnings, "group "+group+": no second login on the callback, as in IOS: anyone who "+
				"answers the telephone is let in")
		}
		policy.Keys.Set("numbers", numbers)
		policy.About = what + "."
		s.Policies = append(s.Policies, policy)
	}
	other := importer.Policy{Group: "default", About: "All other users: those without a callback, and those of AAA " +
		"servers, " +
		"which may be called back\nat fixed numbers, with a second login. If your AAA leaves the number to callers, " +
		"or " +
		"omits the second login, write\nnumbers: {from: [aaa, caller], allow: [\"84*\"]} or no_verify: allow."}
	other.Keys.Set("callback", word("optional"))
	other.Keys.Set("numbers", importer.Map{{Key: "from", Value: fixed}})
	s.Policies = append(s.Policies, other)
	if p.newModel && len(p.servers) > 0 {
		p.warnings = append(p.warnings, "users of AAA servers are called back at fixed numbers, with a second "+
			"login: if your "+
			"AAA leaves the number to callers or omits the login, edit policies.d/default.yaml")
	}
}

// checkPorts rejects --port options that fit no line, or several lines at once.
func (p *parser) checkPorts(segments []*segment) error {
	for _, port := range p.opt.Ports {
		fits := slices.ContainsFunc(segments, func(s *segment) bool {
			return port.First <= s.last &&
				s.first <= port.Last
		})
		several := slices.ContainsFunc(segments, func(s *segment) bool {
			return port.First <= s.first && s.last <= port.Last && s.last > s.first
		})
		switch {
		case !fits && port.First > 0 && port.Last < maxTTY:
			return &importer.Error{Msg: "--port " + rangeText(port.First, port.Last) + "=" + port.URL +
				": the text has no such line with a modem"}
		case several && !strings.Contains(port.URL, "{"):
			return &importer.Error{Msg: "--port " + port.URL + ": several lines would have this port",
				Want: "a placeholder for the line", Hint: "write {tty} or {2000+tty}, or give one --port for each " +
					"line: " +
					"--port 65=" + port.URL}
		}
	}
	return nil
}
