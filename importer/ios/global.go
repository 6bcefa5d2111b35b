package ios

import (
	"strings"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/lines/modem"
)

// noted is a value of the text with its row.
type noted struct {
	text string
	row  int
}

// script is a chat script of the text.
type script struct {
	*chat.Script
	row int
}

func globalTable() []command {
	return []command{
		{mode: global, syntax: "end", kind: importer.Harmless, note: "the end of the text", anywhere: true,
			do: func(p *parser, _ *input) result { p.ended = true; return result{} }},
		{mode: global, syntax: "version …", kind: importer.Harmless, note: "the release of IOS"},
		{mode: global, syntax: "service exec-callback", kind: importer.Imported, note: "exec: {callback: true}",
			do: func(p *parser, in *input) result { p.execCallback = in.row + 1; return result{} }},
		{mode: global, syntax: "no service exec-callback", kind: importer.Imported, note: "exec: {callback: false}",
			do: func(p *parser, _ *input) result { p.execCallback = 0; return result{} }},
		{mode: global, syntax: "service timestamps …", kind: importer.Harmless,
			note: "each record of the log has its time, with milliseconds"},
		{mode: global, syntax: "service password-encryption", kind: importer.Harmless,
			note: "passwords are stored in files that only the daemon can read"},
		{mode: global, syntax: "service …", kind: importer.Harmless, note: "concerns the router itself"},
		{mode: global, syntax: "hostname NAME", kind: importer.Imported, note: "hostname", do: doHostname,
			anywhere: true},
		{mode: global, syntax: "enable secret …", kind: importer.Imported, note: "enable: {password_hash}",
			do: doEnable, hide: hideEnable},
		{mode: global, syntax: "enable password …", kind: importer.Imported, note: "enable: {password_file}",
			do: doEnable, hide: hideEnable},
		{mode: global, syntax: "enable …", kind: importer.Unsupported,
			note: "the EXEC's enable has a password or method lists only", hide: func(in *input) string {
				if oneOf(in.arg(0), []string{"use-tacacs", "last-resort", "algorithm-type"}) {
					return mask(in.raw)
				}
				return in.hideFrom(0)
			}},
		{mode: global, syntax: "chat-script NAME …", kind: importer.Imported, note: "chat_scripts", do: doChatScript,
			hide: hideChatScript, anywhere: true},
		{mode: global, syntax: "banner motd|login …", kind: importer.Imported, note: "banner", do: doBanner},
		{mode: global, syntax: "banner exec|incoming|slip-ppp|prompt-timeout|config-save …", kind: importer.Unsupported,
			note: "there is one banner, before the login", do: doBanner},
		{mode: global, syntax: "banner …", kind: importer.Imported, note: "banner", do: doBanner},
		{mode: global, syntax: "menu …", kind: importer.Unsupported, note: "the EXEC has no menus", do: doMenu},
		{mode: global, syntax: "privilege …", kind: importer.Unsupported,
			note: "the levels of commands are fixed; TACACS+ can authorize commands one by one"},
		{mode: global, syntax: "ip local pool NAME FIRST …", kind: importer.Imported, note: "ppp: {pools}",
			do: doPool},
		{mode: global, syntax: "ip local pool …", kind: importer.Unsupported,
			note: "not a pool of addresses with a name"},
		{mode: global, syntax: "async-bootp dns-server ADDRESS …", kind: importer.Imported,
			note: "ppp: {profiles: [{dns}]}", do: doNameServers},
		{mode: global, syntax: "async-bootp nbns-server ADDRESS …", kind: importer.Imported,
			note: "ppp: {profiles: [{wins}]}", do: doNameServers},
		{mode: global, syntax: "async-bootp …", kind: importer.Unsupported,
			note: "callers get addresses over PPP only"},
		{mode: global, syntax: "arap callback", kind: importer.Unsupported, note: reasonARAP,
			do: func(p *parser, in *input) result {
				p.arapCallback = in.row + 1
				return result{warn: "the users that ARA called back are called back when they log in to the EXEC"}
			}},
		{mode: global, syntax: "arap|appletalk …", kind: importer.Unsupported, note: reasonARAP, hide: asWritten},
		{mode: global, syntax: "map-class …", kind: importer.Unsupported, opens: mapMode, do: doNothing,
			note: "a class of dialed destinations: " + reasonDDR},
		{mode: global, syntax: "dialer-list …", kind: importer.Unsupported,
			note: "which packets keep a call: write ppp: {filters: [{idle}]}"},
		{mode: global, syntax: "dialer …", kind: importer.Unsupported, note: reasonDDR},
		{mode: global, syntax: "isdn …", kind: importer.Unsupported, note: reasonISDN},
		{mode: global, syntax: "controller …", kind: importer.Unsupported, note: reasonISDN},
		{mode: global, syntax: "modemcap …", kind: importer.Unsupported,
			note: "write the modem's command into `init` of the line, or use a profile: docs/reference/modems.md"},
		{mode: global, syntax: "login …", kind: importer.Unsupported,
			note: "failed logins are delayed and locked as the key `login` says"},
		{mode: global, syntax: "line con N", kind: importer.Harmless, note: reasonConsole, do: doLine, opens: lineMode,
			anywhere: true},
		{mode: global, syntax: "line aux N", kind: importer.Imported, note: "lines", do: doLine, opens: lineMode,
			anywhere: true},
		{mode: global, syntax: "line vty FIRST …", kind: importer.Harmless, note: reasonVTY, do: doLine,
			opens:    lineMode,
			anywhere: true},
		{mode: global, syntax: "line tty FIRST …", kind: importer.Imported, note: "lines", do: doLine, opens: lineMode,
			anywhere: true},
		{mode: global, syntax: "line FIRST …", kind: importer.Imported, note: "lines", do: doLine, opens: lineMode,
			anywhere: true},
		{mode: global, syntax: "interface NAME …", kind: importer.Imported, note: "ppp: {profiles}", do: doInterface,
			opens: interfaceMode, anywhere: true},
	}
}

const (
	reasonARAP    = "callers of AppleTalk Remote Access are not served"
	reasonDDR     = "ringback dials callbacks only; packets dial nothing"
	reasonISDN    = "ringback drives modems on serial lines; channels of ISDN, T1 and E1 need a gateway before it"
	reasonConsole = "the console is no line with a modem"
	reasonSlash   = "the text does not say the number of a line with a slash: number it as `show line` does"
	reasonVTY     = "logins from the network are no lines with a modem; the key `listen` opens them"
)

func doNothing(*parser, *input) result { return result{} }

func doHostname(p *parser, in *input) result {
	if strings.ContainsFunc(in.args[0], func(r rune) bool { return r <= ' ' || r > '~' }) {
		return unsupported("not a name in printable ASCII")
	}
	p.hostname = in.args[0]
	return result{}
}

// hideEnable hides the secret of `enable secret [level N] [TYPE] TEXT`.
func hideEnable(in *input) string {
	if strings.EqualFold(in.arg(0), "level") {
		return in.hideSecret(2)
	}
	return in.hideSecret(0)
}

// doEnable reads the password of privileged levels. As in IOS, `enable secret` takes precedence.
func doEnable(p *parser, in *input) result {
	args := in.args
	if len(args) > 2 && strings.EqualFold(args[0], "level") {
		if args[1] != "15" {
			return unsupported("there is one enable password, for level 15")
		}
		args = args[2:]
	}
	s, bad := readSecret(args)
	if bad != "" {
		return wrong("%s", bad)
	}
	s.check("an enable password")
	isSecret := strings.EqualFold(in.words[1].text, "secret")
	switch {
	case s.bad != "":
		return unsupported("%s", s.bad)
	case p.enableSecret && !isSecret:
		return harmless("`enable secret` takes precedence")
	}
	if p.enable != nil && isSecret && !p.enableSecret {
		p.amend(p.enable.row, harmless("`enable secret` takes precedence"))
	}
	p.enable, p.enableSecret = &enable{s, in.row}, isSecret
	if s.hash == "" {
		return imported("enable: {password_file}")
	}
	return imported("enable: {password_hash}")
}

// hideChatScript hides a script that may send a password or a PIN.
func hideChatScript(in *input) string {
	if s, err := chat.Parse("script", in.rest(1)); err != nil || !s.Public() {
		return in.hideFrom(1)
	}
	return in.raw
}

func doChatScript(p *parser, in *input) result {
	name := in.args[0]
	if len(in.args) < 2 {
		return wrong("the script is missing: is the line wrapped?")
	}
	if strings.Count(in.rest(1), `"`)%2 != 0 {
		return wrong("a quote is not closed: is the line wrapped?")
	}
	s, err := chat.Parse(name, in.rest(1))
	if err != nil {
		why := err.Error()
		if e, ok := err.(*chat.SyntaxError); ok { // without the words, of which one may be a password
			why = joined(e.Msg, e.Hint)
		}
		return unsupported("the script is wrong: %s", why)
	}
	if why := undialable(s); why != "" {
		return unsupported("the script is not accepted: %s", why)
	}
	for i, other := range p.scripts {
		if other.Name == name {
			p.amend(other.row, harmless("line %d defines the script again", in.line))
			p.scripts[i] = script{s, in.row}
			return result{}
		}
	}
	if len(p.scripts) >= maxNamed {
		return tooMany("scripts")
	}
	p.scripts = append(p.scripts, script{s, in.row})
	return result{}
}

// undialable says why a script that dials might dial another number than that of the callback; "" if it dials none.
func undialable(s *chat.Script) string {
	if !s.UsesDialstring() {
		return ""
	}
	sent, all := s.Lines()
	if !all {
		return "it has too many alternatives to tell which number it dials"
	}
	for _, line := range sent {
		if err := modem.CheckNumber(line.Before, line.After, line.Dialstrings); err != nil {
			return err.Error()
		}
	}
	return ""
}

// doBanner reads a text in delimiters, on one line or several.
func doBanner(p *parser, in *input) result {
	kind := "motd"
	at := 1
	if len(in.words) > 2 && len(in.words[1].text) > 1 && !strings.HasPrefix(in.words[1].text, "^") {
		kind, at = strings.ToLower(in.words[1].text), 2
	}
	if len(in.words) <= at {
		return wrong("the text is missing")
	}
	body, bad := p.delimited(in, in.raw[in.words[at].start:])
	if bad != "" {
		return wrong("%s", bad)
	}
	own := p.rows[in.row]
	if own.Kind != importer.Imported {
		return result{}
	}
	for _, r := range body {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return p.body(in, unsupported("the text has control characters"))
		}
	}
	r := result{}
	if strings.Contains(body, "$(hostname)") {
		body = strings.ReplaceAll(body, "$(hostname)", p.hostname)
	}
	if strings.Contains(body, "$(") {
		r = r.warning("$(…) is shown as it is")
	}
	if kind == "login" {
		p.bannerLogin = body
	} else {
		p.bannerMOTD = body
	}
	return r
}

// body gives the rows of the lines of a text the same result.
func (p *parser) body(in *input, r result) result {
	for i := in.row + 1; i < len(p.rows); i++ {
		p.amend(i, r)
	}
	return r
}

// delimited reads the text that begins at from, on the command's line, up to its delimiter: the first character, or ^
// and a letter as `show running-config` prints a control character. It adds the rows of the further lines.
func (p *parser) delimited(in *input, from string) (text, bad string) {
	delimiter := from[:1]
	if from[0] == '^' && len(from) > 1 {
		delimiter = from[:2]
	}
	from = from[len(delimiter):]
	lines := []string{from}
	if before, after, ok := strings.Cut(from, delimiter); ok {
		if strings.TrimSpace(after) != "" {
			return "", "text follows the delimiter"
		}
		return before, ""
	}
	for i, line := range in.more {
		before, after, ok := strings.Cut(line, delimiter)
		own := p.rows[in.row]
		p.add(in.line+i+1, mask(strings.TrimSpace(line)), result{kind: own.Kind, note: "the text of line " +
			itoa(in.line)})
		in.used++
		if !ok {
			lines = append(lines, line)
			continue
		}
		if strings.TrimSpace(after) != "" {
			return "", "text follows the delimiter on line " + itoa(in.line+i+1)
		}
		if before != "" {
			lines = append(lines, before)
		}
		if lines[0] == "" {
			lines = lines[1:]
		}
		if len(lines) == 0 {
			return "", ""
		}
		return strings.Join(lines, "\n") + "\n", ""
	}
	return "", "its text has no end: the delimiter of the first line does not come again"
}

// doMenu reads the title of a menu, which has delimiters; its other commands have none.
func doMenu(p *parser, in *input) result {
	if len(in.args) > 2 && strings.EqualFold(in.args[1], "title") {
		if _, bad := p.delimited(in, in.rest(2)); bad != "" {
			return wrong("%s", bad)
		}
	}
	return result{}
}
