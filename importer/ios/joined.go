package ios

import (
	"regexp"
	"strings"
)

// starters are beginnings of commands that no other command has behind its own words, except free text. `#` is a
// number, `@` an address, `*` any word, `.` a release, `~` an interface with its number and `^` one of lines. Those
// that begin with `+` are the words of other commands too: they count behind the heads of plain only. Those of `line:`
// count in blocks of lines, those of `server:` in groups of servers.
var starters = compileStarters(`
	service exec-callback|timestamps|password-encryption|tcp-small-servers|udp-small-servers|tcp-keepalives-in
	service tcp-keepalives-out|linenumber|compress-config|dhcp|pad|finger|nagle|config|internal
	username * callback-dialstring|callback-line|callback-rotary|nocallback-verify|password|secret|privilege
	username * nopassword|autocommand|access-class
	enable secret|password
	chat-script * *
	banner motd|login|exec|incoming|slip-ppp
	version .
	+ hostname *
	+ interface ~
	interface ^
	interface async|group-async #
	aaa new-model|authentication|authorization|accounting|group|session-id
	radius-server host|key|timeout|retransmit|deadtime|vsa|attribute
	tacacs-server host|key|timeout|directed-request
	ip local pool * @
	ip address @ @
	ip unnumbered ~
	+ ip route @ @
	+ ip domain-name|name-server|host *
	ip tacacs|radius source-interface
	ip classless|subnet-zero
	ip http server|authentication
	line con|aux|vty|tty #
	line #
	async mode interactive|dedicated
	async dynamic|default
	group-range # #
	encapsulation ppp|slip
	peer default ip address
	ppp authentication|authorization|accounting|callback|multilink|chap|pap|ipcp
	dialer idle-timeout|in-band|rotary-group|callback-secure|callback-server|enable-timeout|hold-queue|redial|order
	dialer map|string *
	dialer-group #
	dialer-list # protocol
	modem inout|dialin|callin|callout|ri-is-cd|autoconfigure|answer-timeout|host|printer|cts-required|dtr-active
	privilege level #
	callback forced-wait
	script callback|dialer|modem-off-hook|startup|reset|activation|connection|arap-callback
	login local|authentication|tacacs
	authorization exec|commands|arap
	accounting exec|commands|connection
	autoselect ppp|during-login|arap|slip
	transport input|output|preferred
	exec-timeout #
	session-timeout #
	absolute-timeout #
	access-class # in|out
	rotary #
	flowcontrol hardware|software|none
	server: server|server-private *
	line: speed|txspeed|rxspeed|databits|stopbits #
	line: parity none|even|odd
	line: autocommand|password *
	snmp-server community|host|location|contact|enable
	access-list # permit|deny
	isdn switch-type
	controller t1|e1
	arap enable|callback|network|authentication
	appletalk zone|cable-range|routing|address
	ntp server|clock-period|peer *
	async-bootp dns-server|nbns-server
`)

// plain are the first words of commands that have no name of an interface and no hostname behind their own words.
var plain = strings.Fields(`version service no default enable aaa radius-server tacacs-server chat-script async-bootp
	clock transport flowcontrol peer username autoselect exec-timeout modem boot arap script banner rotary`)

// plainIP are such commands that begin with `ip`.
var plainIP = strings.Fields(`classless subnet-zero local domain-name domain-lookup name-server http cef source-route
	default-gateway finger`)

// longest is the number of words that some commands have at most.
var longest = map[string]int{"version": 2, "ip classless": 2, "ip subnet-zero": 2, "ip source-route": 2,
	"ip finger": 3, "no ip address": 3, "no ip directed-broadcast": 3, "no cdp enable": 3, "no shutdown": 2,
	"no login": 2, "no exec": 2, "no keepalive": 2, "no aaa new-model": 3, "no service password-encryption": 3,
	"no flush-at-activation": 2, "no modem": 3, "controller": 3, "dialer-group": 2, "hold-queue": 3, "length": 2,
	"width": 2, "duplex": 2, "flowcontrol": 3, "history": 3, "ip http server": 3}

// starter is a compiled line of starters.
type starter struct {
	words [][]string
	plain bool
	in    mode // "": any
}

func compileStarters(text string) (all map[string][]starter) {
	all = map[string][]starter{}
	for line := range strings.Lines(text) {
		var s starter
		line = strings.TrimSpace(line)
		line, s.plain = strings.CutPrefix(line, "+ ")
		for prefix, m := range map[string]mode{"line: ": lineMode, "server: ": groupMode} {
			if rest, ok := strings.CutPrefix(line, prefix); ok {
				line, s.in = rest, m
			}
		}
		for _, w := range strings.Fields(line) {
			s.words = append(s.words, strings.Split(w, "|"))
		}
		if s.words == nil {
			continue
		}
		for _, first := range s.words[0] {
			all[first] = append(all[first], s)
		}
	}
	return all
}

// shapes are the arguments of starters.
var shapes = map[string]*regexp.Regexp{"#": regexp.MustCompile(`^[0-9]{1,6}$`), "*": regexp.MustCompile(``),
	"@": regexp.MustCompile(`^[0-9]{1,3}(\.[0-9]{1,3}){3}$`), "^": regexp.MustCompile(`(?i)^(async|group-async)[0-9]`),
	".": regexp.MustCompile(`^[0-9]{1,2}\.[0-9]`),
	"~": regexp.MustCompile(`(?i)^(async|group-async|ethernet|fastethernet|gigabitethernet|serial|loopback|dialer|bri|` +
		`virtual-template|null|tunnel)[0-9][0-9/:.]*$`)}

func (s starter) begins(words []word) bool {
	if len(words) < len(s.words) {
		return false
	}
	for i, alternatives := range s.words {
		if shape := shapes[alternatives[0]]; shape != nil && shape.MatchString(words[i].text) ||
			shape == nil && oneOf(words[i].text, alternatives) {
			continue
		}
		return false
	}
	return true
}

// texts of commands are free: any word may be in them.
var freeTail = strings.Fields(`description remark location alias menu title name privilege prompt event cli action commands
	macro vacant-message refuse-message busy-message login-string resume-string kron log-type`)

// another reports whether another command begins in the words of a line from the nth on.
func (p *parser) another(in *input, n int) bool {
	words := in.words
	first := words[0].text
	if oneOf(first, []string{"no", "default"}) {
		n = max(n, 2)
	}
	switch {
	case oneOf(first, freeTail), p.indent && p.freeBlock:
		return false
	case strings.EqualFold(first, "snmp-server") && len(words) > 1 &&
		oneOf(words[1].text, []string{"location", "contact", "chassis-id"}):
		return false
	case strings.EqualFold(first, "member"):
		n = 6 // member N peer default ip address
	}
	for k := min(len(words), 3); k > 0; k-- {
		if most, ok := longest[strings.ToLower(strings.Join(texts(words[:k]), " "))]; ok {
			if len(words) > most {
				return true
			}
			break
		}
	}
	isPlain := oneOf(first, plain) || strings.EqualFold(first, "ip") && len(words) > 1 && oneOf(words[1].text, plainIP)
	for i := max(n, 1); i < len(words); i++ {
		w := strings.ToLower(words[i].text)
		switch {
		case w == "remark" || w == "description":
			return false
		case in.raw[words[i].start] == '"':
			continue
		case w == "no" && i+1 < len(words):
			next := strings.ToLower(words[i+1].text)
			if len(patterns[global][next])+len(patterns[lineMode][next])+len(patterns[interfaceMode][next]) > 0 {
				return true
			}
		}
		for _, s := range starters[w] {
			if (!s.plain || isPlain) && (s.in == "" || s.in == p.mode) && s.begins(words[i:]) {
				return true
			}
		}
	}
	return false
}
