package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// scriptEvent is a key of `lines[].scripts`: an event of a line, for which a chat script runs.
type scriptEvent struct {
	name  string
	dials bool // it dials the number of a callback; otherwise it must not dial
	call  bool // it talks to the other side of a call, not to the modem
	of    func(*broker.Line) *string

	example, doc string
}

var scriptEvents = []scriptEvent{
	{"startup", false, false, func(l *broker.Line) *string { return &l.StartupScript }, "setup",
		"Runs each time that the line comes into service: the port was opened, the modem is initialized and on hook " +
			"(IOS `script startup`). Default: none."},
	{"reset", false, false, func(l *broker.Line) *string { return &l.ResetScript }, "setup",
		"Runs after each call and callback on the line, when it is proven on hook (IOS `script reset`). Default: " +
			"none."},
	{"activation", false, true, func(l *broker.Line) *string { return &l.ActivationScript }, "greet",
		"Runs when an incoming call is connected, before the session, and talks to the caller (IOS `script " +
			"activation`). If it fails, the call is hung up. Default: none."},
	{"modem_off_hook", false, false, func(l *broker.Line) *string { return &l.OffHookScript }, "offhook",
		"Keeps the modem busy between the hang-up and the dial (IOS `script modem-off-hook`). Default: none."},
	{"callback", true, false, func(l *broker.Line) *string { return &l.CallbackScript }, "rtp",
		"Dials a callback (IOS `script callback`), unless the `script` of the group's policy file does. Default: " +
			"that of `dialer`."},
	{"dialer", true, false, func(l *broker.Line) *string { return &l.DialerScript }, "rtp",
		"Dials what `callback` does not (IOS `script dialer`). Default: the script `exec-callback` or, for users of " +
			"PPP, `ppp-callback`."},
	{"system", false, true, func(l *broker.Line) *string { return &l.SystemScript }, "acme-login",
		"Runs when a callback is answered, before its session, and talks to the called side, for example to log on " +
			"there (IOS's `system-script`). If it fails, the call is hung up. Default: none."},
}

// absentScripts are the other events of IOS.
var absentScripts = map[string]string{
	"connection": "no connection from the network (reverse Telnet) can be made to a line, so nothing would start " +
		"the script",
	"arap_callback": "there are no callers of ARA",
}

func lineScriptKeys() (keys []schema.Key) {
	for _, k := range scriptEvents {
		keys = append(keys, schema.Key{Name: k.name, Check: checkRegexp, Example: k.example, Doc: k.doc})
	}
	return keys
}

// never says why the event does not happen on a line of this mode; "" if it may.
func (k scriptEvent) never(mode lines.ModemMode) string {
	switch {
	case mode == lines.CallIn && (k.dials || k.name == "system"):
		return "a callin line answers only and never dials"
	case mode == lines.CallOut && k.name == "activation":
		return "a callout line dials only and never answers"
	}
	return ""
}

// scriptChecks is what was found out about scripts, which many lines have in common. The zero scriptChecks is ready.
type scriptChecks struct {
	selected map[[2]string]selected
	faults   map[scriptUse][]fault
}

// selected is the script that regular expressions select, or why there is none.
type selected struct {
	script *chat.Script
	err    error
}

// scriptUse is a script that runs for an event.
type scriptUse struct {
	script *chat.Script
	event  string
}

// fault is a problem of each line with the same settings.
type fault struct{ msg, hint string }

// script is chat.Select for one expression or, if further is not "", for two.
func (l *loader) script(pattern, further string) (*chat.Script, error) {
	both := [2]string{pattern, further}
	s, ok := l.scripted.selected[both]
	if !ok {
		s.script, s.err = chat.Select(l.cfg.Scripts, pattern, further)
		if l.scripted.selected == nil {
			l.scripted.selected = map[[2]string]selected{}
		}
		l.scripted.selected[both] = s
	}
	return s.script, s.err
}

// lineScripts checks the scripts of a line.
func (l *loader) lineScripts(v *schema.Value, line *Line) {
	scripts := v.Get("scripts")
	if !scripts.IsSet() {
		return
	}
	for _, k := range scriptEvents {
		at := scripts.Get(k.name)
		if !at.IsSet() {
			continue
		}
		if never := k.never(line.Modem); never != "" {
			l.errorAt(at, "set modem: inout, or remove the script", "%s", never)
			continue
		}
		if l.broken("chat_scripts") {
			continue
		}
		if s, err := l.script(*k.of(&line.Line), ""); err != nil {
			l.errorAt(at, "", "%v", err)
		} else {
			l.lineScript(at, s, k)
			l.storedNumber(at, s, k, line)
		}
	}
}

// lineScript checks that a script can run for an event.
func (l *loader) lineScript(at *schema.Value, s *chat.Script, k scriptEvent) {
	use := scriptUse{s, k.name}
	faults, ok := l.scripted.faults[use]
	if !ok {
		faults = faultsOf(s, k)
		if l.scripted.faults == nil {
			l.scripted.faults = map[scriptUse][]fault{}
		}
		l.scripted.faults[use] = faults
	}
	for _, f := range faults {
		l.errorAt(at, f.hint, "%s", f.msg)
	}
}

// faultsOf checks that a script dials if it must, and only then, and that the modem driver would send its lines.
func faultsOf(s *chat.Script, k scriptEvent) (all []fault) {
	switch {
	case k.dials && !s.UsesDialstring():
		all = append(all, fault{fmt.Sprintf("chat script %s sends no \\T, so it dials no number", s.Name),
			`it needs "ATDT \T"`})
	case k.dials:
	default:
		if what := dials(s, k.call); what != "" {
			return []fault{{fmt.Sprintf("chat script %s %s, but a %s script must not", s.Name, what, k.name),
				"only callback scripts may dial: each dial is counted"}}
		}
	}
	if k.call {
		return all
	}
	if err := unsent(s); err != nil {
		all = append(all, fault{msg: fmt.Sprintf("chat script %s: %v", s.Name, err)})
	}
	return all
}

// unsent says why the modem driver would not send a line of a script.
func unsent(s *chat.Script) error {
	sent, _ := textsOf(s)
	return modem.CheckSent(sent...)
}

// textsOf returns the lines of a script as texts.
func textsOf(s *chat.Script) (texts []string, all bool) {
	sent, all := s.Lines()
	for _, line := range sent {
		texts = append(texts, line.String())
	}
	return texts, all
}

// misdials says why a script with \T might dial another number than that of the callback.
func misdials(s *chat.Script) error {
	if !s.UsesDialstring() {
		return nil // it is never used to dial
	}
	sent, all := s.Lines()
	for _, line := range sent {
		if err := modem.CheckNumber(line.Before, line.After, line.Dialstrings); err != nil {
			return err
		}
	}
	if !all {
		return errors.New("it has too many alternatives to tell which number it dials")
	}
	return nil
}

// storedNumber rejects a script with which the modem of the line dials a number that is stored in it.
func (l *loader) storedNumber(at *schema.Value, s *chat.Script, k scriptEvent, line *Line) {
	if !line.Config.Profile.StoredNumbers || k.call {
		return
	}
	sent, _ := textsOf(s)
	if err := modem.CheckStored(sent...); err != nil {
		l.errorAt(at, "remove N", "chat script %s: %v", s.Name, err)
	}
}

// dials says how a script would make a modem dial; "" if it would not. On a call, only what is a command from its first
// character counts: a login may have "at" and "d" in it.
func dials(s *chat.Script, call bool) string {
	if s.UsesDialstring() {
		return `sends \T, so it dials`
	}
	sent, all := textsOf(s)
	for _, line := range sent {
		if modem.Dials(line) && (!call || strings.HasPrefix(strings.ToUpper(line), "AT")) {
			return fmt.Sprintf("dials with %q", cut(line))
		}
	}
	if !all {
		return "has too many alternatives to tell whether it dials"
	}
	return ""
}

// groupScripts reports groups whose callbacks no script can dial or log on.
func (l *loader) groupScripts() {
	for _, group := range l.cfg.Policies.Groups() {
		p, _ := l.cfg.Policies.Group(group)
		l.systemScript(group, p.Dial)
		l.modemScript(group, p.Dial)
	}
}

// systemScript checks the system_script of a group, alone and with that of each line that dials.
func (l *loader) systemScript(group string, d policies.Dial) {
	const key = "system_script"
	if d.SystemScript == "" {
		return
	}
	s, err := l.script(d.SystemScript, "")
	if err != nil {
		l.groupProblem(schema.Error, group, key, "", "%v", err)
		return
	}
	if what := dials(s, true); what != "" {
		l.groupProblem(schema.Error, group, key, "only callback scripts may dial: each dial is counted",
			"chat script %s %s, but a system script must not", s.Name, what)
	}
	for _, line := range l.dialing(group) {
		if _, err := l.script(d.SystemScript, line.SystemScript); err != nil {
			l.groupProblem(schema.Warning, group, key, "", "no callbacks on tty %d: %v", line.TTY, err)
		}
	}
}

// modemScript checks the modem_script of a group with its script, or with that of each line that dials.
func (l *loader) modemScript(group string, d policies.Dial) {
	const key = "modem_script"
	if d.ModemScript == "" {
		return
	}
	exact := ""
	if d.Script != "" {
		exact = "^" + regexp.QuoteMeta(d.Script) + "$"
	}
	good, first := false, ""
	why := map[string]error{} // by the script of the line
	for _, line := range l.dialing(group) {
		own := cmp.Or(exact, line.CallbackScript, line.DialerScript)
		err, ok := why[own]
		if !ok {
			err = l.undialed(own, d.ModemScript)
			why[own] = err
		}
		if err == nil {
			good = true
			continue
		}
		if exact == "" {
			l.groupProblem(schema.Warning, group, key, "", "no callbacks on tty %d: %v", line.TTY, err)
		}
		first = cmp.Or(first, err.Error())
	}
	if !good && first != "" {
		l.groupProblem(schema.Error, group, key, "", "no line can dial its callbacks: %s", first)
	}
}

// undialed says why no callback is dialed with the script of a line and the modem_script of a group.
func (l *loader) undialed(own, modemScript string) error {
	s, err := l.script(own, modemScript)
	if err != nil {
		return err
	}
	err = unsent(s)
	switch {
	case !s.UsesDialstring():
		return fmt.Errorf(`chat script %s sends no \T, so it dials no number`, s.Name)
	case err != nil:
		return fmt.Errorf("chat script %s: %w", s.Name, err)
	case s.Adds() != "" && len(l.site.Trunks) > 0:
		return fmt.Errorf("chat script %s dials %q besides the number, but the site has trunks", s.Name, s.Adds())
	}
	return nil
}

// dialing returns the lines that may dial the callbacks of a group.
func (l *loader) dialing(group string) (all []*Line) {
	ttys := l.cfg.Policies.CallbackLines(group, 0)
	for i := range l.cfg.Lines {
		line := &l.cfg.Lines[i]
		if line.dials() && (len(ttys) == 0 || slices.Contains(ttys, line.TTY)) {
			all = append(all, line)
		}
	}
	return all
}
