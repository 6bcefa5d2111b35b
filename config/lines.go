package config

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

func (l *loader) lines() {
	entries := l.v.Get("lines").Items()
	ttys, ports := make(map[int]*schema.Value, len(entries)), make(map[string]owner, len(entries))
	l.cfg.Lines = make([]Line, 0, len(entries))
	defaults := schema.Defaults(lineKeys())
	for _, v := range entries {
		l.lineEntry(v, defaults, ttys, ports)
	}
	sort.Slice(l.cfg.Lines, func(i, j int) bool { return l.cfg.Lines[i].TTY < l.cfg.Lines[j].TTY })
	if !l.v.Get("lines").IsSet() && !l.broken("lines") {
		l.problem(Problem{File: l.file, Key: "lines", Msg: "there are no lines: no call can be answered",
			Severity: schema.Warning,
			Hint:     `write lines: [{tty: 65, port: "serial:///dev/ttyS0"}]`})
	}
}

// hunts reads how the rotaries hunt.
func (l *loader) hunts() {
	all := l.v.Get("rotaries")
	l.cfg.Hunts = map[int]lines.Hunt{}
	defaults := schema.Defaults(rotaryKeys)
	for _, name := range all.Names() {
		n, _ := strconv.Atoi(name) // checked by the table
		l.cfg.Hunts[n] = lines.Hunt(or(all.Get(name), defaults, "hunt").Text())
		if !l.broken("lines") && !l.cfg.rotaryDials(n) && !l.cfg.fleetRotary(n) {
			l.warnAt(all.Get(name), "see the key lines", "no line of rotary %d dials", n)
		}
	}
}

// owner is the line that uses a port.
type owner struct {
	tty int
	at  *schema.Value
}

// lineEntry reads an entry of `lines`, one line or a range of lines.
func (l *loader) lineEntry(v, defaults *schema.Value, ttys map[int]*schema.Value, ports map[string]owner) {
	tty, url := v.Get("tty"), v.Get("port")
	var model Line
	l.line(v, defaults, &model)
	if !tty.IsSet() {
		l.portURL(url, 1, 0)
		return
	}
	first, last, _ := schema.ParseTTYs(tty.Text()) // checked by the table
	l.cfg.Lines = slices.Grow(l.cfg.Lines, last-first+1)
	told := false
	for n := 0; n <= last-first; n++ {
		line := &model
		line.TTY = first + n
		if at, ok := ttys[line.TTY]; ok {
			l.errorAt(tty, "give each line a number of its own", "tty %d is already on line %d", line.TTY, at.Line)
			l.portURL(url, line.TTY, n)
			return
		}
		ttys[line.TTY] = tty
		if !url.IsSet() || !l.address(line, url, n, ports) {
			return
		}
		l.sevenBits(v, line)
		told = told || l.screened(v, line) || l.strayTLS(v, line) || l.autoSpeed(v, line) || l.initSignals(v, line)
		l.cfg.Lines = append(l.cfg.Lines, *line)
	}
}

// screened rejects call_check on a port where a caller can write the number, and reports whether it did.
func (l *loader) screened(v *schema.Value, line *Line) bool {
	if !line.CallCheck || line.Trusted() {
		return false
	}
	at := v.Get("call_check")
	if !at.IsSet() {
		at = v.Get("tty")
	}
	l.errorAt(at, "use a serial or rfc2217 port, or accept the risk with insecure_signals: true",
		"call_check needs modem signals or insecure_signals: on the port of tty %d a caller can write any number",
		line.TTY)
	return true
}

// initSignals rejects an initialization that takes the signals of the line's port from the driver, and reports whether
// it did. On a port without signals it does no harm, and a cable without DTR may need it.
func (l *loader) initSignals(v *schema.Value, line *Line) bool {
	if line.Address.InBand() {
		return false
	}
	err := l.initialization(line.Init).signals
	if err == nil {
		return false
	}
	if at := v.Get("init"); at.IsSet() {
		l.errorAt(at, "", "%v", err)
	} else {
		l.errorAt(v.Get("profile"), "use another profile, or write init", "init of the profile %s: %v",
			line.Config.Profile.Name, err)
	}
	return true
}

// speedAuto is the value of `speed` for a line that finds out the speed of its callers.
const speedAuto = "auto"

// autoSpeed rejects `speed: auto` on a line that cannot have it, and reports whether it did.
func (l *loader) autoSpeed(v *schema.Value, line *Line) bool {
	if !line.FollowSpeed {
		return false
	}
	at, a := v.Get("speed"), line.Address
	switch {
	case a.InBand():
		l.errorAt(at, "use a serial or rfc2217 port", "auto needs a port whose speed can be set, and %s has none",
			a.Name())
	case line.Serves(aaa.PPP):
		l.errorAt(at, "remove it, or ppp_profile", "a caller of PPP does not press RETURN, so auto is for logins only")
	case line.Speed == 0:
		l.errorAt(at, "add ?speed=115200 to port", "auto needs the speed at which the modem takes commands")
	case a.Format != "" && a.Format != "8n1":
		l.errorAt(at, "remove format from port",
			"auto needs the format 8n1; RETURN of callers with another one is found too")
	default:
		return false
	}
	return true
}

// strayTLS rejects `tls` on a port without TLS, and reports whether it did.
func (l *loader) strayTLS(v *schema.Value, line *Line) bool {
	at := v.Get("tls")
	if !at.IsSet() || line.Address.OverTLS() {
		return false
	}
	l.errorAt(at, "write rfc2217s:// or tcps://, or remove it", "only valid for a port over TLS, not for %s",
		line.Address.Name())
	return true
}

// line reads what the lines of an entry have in common.
func (l *loader) line(v, defaults *schema.Value, line *Line) {
	get := func(names ...string) *schema.Value { return or(v, defaults, names...) }
	c := &line.Config
	c.Modem, c.FlowControl = lines.ModemMode(get("modem").Text()), v.Get("flow_control").Text()
	c.CallCheck, c.CallerID = get("call_check").Bool(false), get("caller_id").Bool(false)
	c.Init, c.FollowSpeed = v.Get("init").Text(), get("speed").Text() == speedAuto
	c.InsecureSignals, c.SameLine = get("insecure_signals").Bool(false),
		get("callback", "same_line_no_verify").Bool(false)
	for _, r := range v.Get("proof_registers").Items() {
		c.ProofRegisters = append(c.ProofRegisters, r.Int())
	}
	c.Rotary = lines.NoRotary
	if r := v.Get("rotary"); r.IsSet() {
		c.Rotary = r.Int()
	}
	c.Timing = profiles.TimingOf(v.Get("timing"))
	l.resultCodes(v, c)
	l.modemProfile(v, c)
	line.ForcedWait = get("callback", "forced_wait").Duration()
	for _, k := range scriptEvents {
		*k.of(&line.Line) = v.Get("scripts", k.name).Text()
	}
	for i := range ListKinds {
		kind := ListKinds[i].Name
		if name := get(kind).Text(); name != defaultList {
			if line.Lists == nil {
				line.Lists = ListNames{}
			}
			line.Lists[kind] = name
		}
	}
	line.Accounting = line.Lists.Of(AccountingLists)
	line.Locale = l.lineLocale(v)
	line.TLS, _ = l.certificates(v.Get("tls"))
	if at := v.Get("tls", "insecure"); line.TLS.Insecure {
		l.warnAt(at, "name the authority of the server's certificate in ca_file", "the server's certificate is not "+
			"checked: anyone on the path can read and change what the line carries")
	}
	line.PPP = l.linePPP(v)
	l.lineScripts(v, line)
	l.lineLists(v, line)
}

// modemProfile fills in what the line leaves to the profile of its modem.
func (l *loader) modemProfile(v *schema.Value, c *lines.Config) {
	l.modemCommands(v, *c)
	if l.cfg.Profiles == nil {
		return // its files have errors
	}
	at := v.Get("profile")
	p := l.cfg.Profiles.Get(at.Text())
	if p == nil {
		hint := schema.Suggest(at.Text(), l.cfg.Profiles.Names())
		if hint == "" {
			hint = "profiles: " + strings.Join(l.cfg.Profiles.Names(), ", ")
		}
		l.errorAt(at, hint, "there is no profile %q", cut(at.Text()))
		return
	}
	l.meanings(v, p.CallerID.Lines)
	p.Apply(c)
	if err := l.initialization(c.Init).stored; err != nil && c.Profile.StoredNumbers {
		l.errorAt(v.Get("init"), "remove N", "%v", err)
	}
	c.Timing = c.Timing.WithDefaults()
}

// initialization is what was found out about the text of an `init`, which many lines have in common.
type initialization struct {
	warnings        []string
	stored, signals error
}

func (l *loader) initialization(text string) initialization {
	found, ok := l.inits[text]
	if !ok {
		found = initialization{modem.InitWarnings(text), modem.CheckStored(text), modem.CheckSignals(text)}
		if l.inits == nil {
			l.inits = map[string]initialization{}
		}
		l.inits[text] = found
	}
	return found
}

// modemCommands checks what the line itself says about its modem.
func (l *loader) modemCommands(v *schema.Value, c lines.Config) {
	for _, why := range l.initialization(c.Init).warnings {
		l.warnAt(v.Get("init"), "", "%s", why)
	}
	if err := modem.CheckProof(c.ProofRegisters); err != nil {
		l.errorAt(v.Get("proof_registers"), "", "%v", err)
	}
	if l.cfg.Profiles == nil {
		l.meanings(v, nil)
	}
}

// meanings checks the result codes of a line, whose profile has these caller ID lines.
func (l *loader) meanings(v *schema.Value, callers []lines.CallerIDLine) {
	own := v.Get("result_codes")
	for _, text := range own.Names() {
		if err := modem.CheckMeaning(text, modem.MeaningOf(own.Get(text).Text()), callers); err != nil {
			l.errorAt(own.Get(text), "", "%v", err)
		}
	}
}

// resultCodes reads the meanings of the modem's own texts. The modem may use either letter case, so each text
// has one meaning.
func (l *loader) resultCodes(v *schema.Value, c *lines.Config) {
	own := v.Get("result_codes")
	for _, text := range own.Names() {
		upper := strings.ToUpper(text)
		if _, ok := c.ResultCodes[upper]; ok {
			l.errorAt(own.Get(text), "remove one of the two",
				"%q has two meanings: upper and lower case are the same", cut(text))
			continue
		}
		if c.ResultCodes == nil {
			c.ResultCodes = map[string]lines.ResultCode{}
		}
		c.ResultCodes[upper] = modem.MeaningOf(own.Get(text).Text())
	}
}

// lineLists checks that a line's method lists exist.
func (l *loader) lineLists(v *schema.Value, line *Line) {
	for i := range ListKinds {
		l.lineList(v, &ListKinds[i], line.Lists.Of(ListKinds[i].Name))
	}
	l.pppList(v, line)
	if line.CallCheck && l.cfg.CallCheck.Method == "" && !l.broken("aaa.call_check") {
		l.errorAt(v.Get("call_check"), "write aaa: {call_check: {method: radius}}",
			"call_check needs aaa.call_check.method")
	}
}

func (l *loader) lineList(v *schema.Value, k *ListKind, name string) {
	if k.Serves(l.cfg.Lists, name) || l.broken("aaa.lists."+k.Name) {
		return
	}
	at, hint := v.Get(k.Name), schema.Suggest(name, l.v.Get("aaa", "lists", k.Name).Names())
	if !at.IsSet() {
		at = v
	}
	if hint == "" {
		hint = fmt.Sprintf("write it into aaa.lists.%s", k.Name)
		if k.required {
			hint = fmt.Sprintf("write aaa: {lists: {%s: {%s: [local]}}}", k.Name, name)
		}
	}
	l.errorAt(at, hint, "there is no %s method list %q", k.Name, cut(name))
}

// portURL checks the port of an entry whose TTY is invalid, so that all its problems are reported together.
func (l *loader) portURL(url *schema.Value, tty, n int) {
	if !url.IsSet() {
		return
	}
	text, err := expand(url.Text(), tty, n)
	if err == nil {
		_, err = port.Parse(text)
	}
	if err != nil {
		l.errorAt(url, "", "%v", err)
	}
}

// address fills in a line's port; it returns false if the port cannot be used.
func (l *loader) address(line *Line, url *schema.Value, n int, ports map[string]owner) bool {
	text, err := expand(url.Text(), line.TTY, n)
	if err != nil {
		l.errorAt(url, "", "%v", err)
		return false
	}
	a, err := port.Parse(text)
	if err != nil {
		l.errorAt(url, "", "%v", err)
		return false
	}
	name := a.Name()
	if other, ok := ports[name]; ok {
		hint := "each line needs a port of its own"
		if !hasPlaceholder(url.Text()) && n > 0 {
			hint = `in a range write a template: "tcp://127.0.0.1:{7000+n}"`
		}
		l.errorAt(url, hint, "tty %d has the port of tty %d (line %d): %s", line.TTY, other.tty, other.at.Line, name)
		return false
	}
	ports[name] = owner{line.TTY, url}
	if a.Flow != "" && line.FlowControl != "" && a.Flow != line.FlowControl {
		l.errorAt(url, "set only one", "the URL has flow=%s, but flow_control is %s", a.Flow, line.FlowControl)
	}
	if line.Serves(aaa.PPP) && !a.Transparent(line.FlowControl) {
		l.errorAt(url, "use 8 data bits and hardware flow control, or remove ppp_profile",
			"PPP needs all octets, and %s has 7 data bits or software flow control", a.String())
	}
	line.Port, line.Device, line.Address, line.Speed = a.String(), name, a, a.Speed
	if a.Speed == 0 && a.Scheme == port.Serial {
		line.Speed = port.DefaultSpeed
	}
	line.InBand = a.InBand()
	return true
}

// cross checks what depends on the whole configuration, such as which lines can call back for which.
func (l *loader) cross() {
	if l.problems.HasErrors() {
		return // an incomplete configuration would cause further, misleading errors
	}
	l.rotaries()
	l.pppCallbacks()
	l.untrusted()
	l.groupLines()
	l.groupScripts()
	l.reauthorize()
	l.rawGroups()
	l.onRing()
	l.fleetRotaries()
	users := l.v.Get("users").Items()
	for i, u := range l.cfg.Users {
		l.crossUser(users[i], u)
	}
}

// rotaries reports lines whose callers could only be called back by the called line, or by no line (RFC 2196
// §4.5.4.3).
func (l *loader) rotaries() {
	dialers := map[int]int{}
	for i := range l.cfg.Lines {
		line := &l.cfg.Lines[i]
		if line.Modem != lines.CallIn && line.Rotary != lines.NoRotary {
			dialers[line.Rotary]++
		}
	}
	if !l.site.Callback[aaa.EXEC] && !(l.site.Callback[aaa.PPP] && l.servesPPP()) {
		return
	}
	for _, v := range l.v.Get("lines").Items() {
		first, _, _ := schema.ParseTTYs(v.Get("tty").Text())
		line := l.cfg.line(first)
		switch n := dialers[line.Rotary]; {
		case line.Modem == lines.CallIn && n == 0 && l.cfg.fleetRotary(line.Rotary): // other nodes dial
		case line.Modem == lines.CallIn && n == 0:
			l.warnAt(v.Get("tty"), "give it a rotary with an inout or callout line",
				"callers on tty %d cannot be called back: it answers only, and no line of its rotary dials", first)
		case line.Modem == lines.InOut && n <= 1 && !line.SameLine && l.noVerify() != "":
			l.errorAt(v.Get("tty"), "give it a rotary with another line that dials, write no_verify: deny, or accept "+
				"it with callback: {same_line_no_verify: true}",
				"tty %d is only called back by itself, and group %s allows no_verify: a caller that never hangs up "+
					"would be admitted without the second login",
				first, l.noVerify())
		case line.Modem == lines.InOut && n <= 1:
			l.warnAt(v.Get("tty"), "give it a rotary with another line that dials",
				"callers on tty %d are called back by the same line: a caller that never hangs up can wait for "+
					"the dial", first)
		}
	}
}

// groupLines reports groups whose callback_lines have no line that could serve a callback, for a service or for the
// callers of a line.
func (l *loader) groupLines() {
	var all []lines.Status // if any group needs them
	for _, group := range l.cfg.Policies.Groups() {
		p, _ := l.cfg.Policies.Group(group)
		ttys := l.cfg.Policies.CallbackLines(group, 0)
		if len(ttys) == 0 || p.Callback == policies.Off { // no line at all: the policies have reported it
			continue
		}
		if all == nil {
			all = l.cfg.idle()
		}
		for service, denied := range map[aaa.Service]bool{aaa.EXEC: p.Services.NoEXEC, aaa.PPP: p.Services.NoPPP} {
			if denied || !l.site.Callback[service] || service == aaa.PPP && !l.servesPPP() {
				continue
			}
			want := lines.Want{TTYs: ttys, Rotary: lines.NoRotary, Unfit: l.cfg.Unfit(service)}
			if _, err := lines.Choose(want, all); err != nil {
				l.groupWarning(group, "callback_lines", "name a line that serves it, or write services: {"+
					string(service)+": deny}", "callers of %s cannot be called back: %v",
					strings.ToUpper(string(service)), err)
			}
		}
		if only := ttys[0]; len(ttys) == 1 && p.OtherLine && l.answers(only) {
			l.groupWarning(group, "same_line", "name another line too", "callers on tty %d cannot be called back: it "+
				"is the only one of callback_lines", only)
		}
	}
}

// answers reports whether a line answers calls.
func (l *loader) answers(tty int) bool {
	line := l.cfg.line(tty)
	return line != nil && line.Modem != lines.CallOut
}

// groupWarning warns of a key of a group's policy file.
func (l *loader) groupWarning(group, key, hint, format string, args ...any) {
	l.groupProblem(schema.Warning, group, key, hint, format, args...)
}

// groupProblem reports a problem with a key of a group's policy file.
func (l *loader) groupProblem(severity schema.Severity, group, key, hint, format string, args ...any) {
	flat, _ := l.cfg.Policies.Flat(group)
	for _, s := range flat {
		if s.Key == key || strings.HasPrefix(s.Key, key+"[") {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: key, Hint: hint,
				Msg: "group " + group + ": " + fmt.Sprintf(format, args...), Severity: severity})
			return
		}
	}
}

// servesPPP reports whether any line serves PPP.
func (l *loader) servesPPP() bool {
	return l.cfg.anyLine(func(line *Line) bool { return line.Serves(aaa.PPP) })
}

// siteLines returns the lines that dial for the policies; nil if they have errors.
func (l *loader) siteLines() []policies.SiteLine {
	if l.broken("lines") {
		return nil
	}
	all := []policies.SiteLine{}
	for i := range l.cfg.Lines {
		line := &l.cfg.Lines[i]
		switch {
		case line.Modem == lines.CallIn:
		case line.Rotary == lines.NoRotary:
			all = append(all, policies.SiteLine{TTY: line.TTY})
		default:
			all = append(all, policies.SiteLine{TTY: line.TTY, Rotary: &line.Rotary})
		}
	}
	slices.SortFunc(all, func(a, b policies.SiteLine) int { return a.TTY - b.TTY })
	return all
}

// crossUser checks a local user against the lines and policies.
func (l *loader) crossUser(v *schema.Value, u aaa.User) {
	if u.Callback == nil {
		return
	}
	for _, tty := range u.Callback.Lines {
		if len(l.cfg.Lines) == 0 {
			break // of which there is a warning: the users of an import come before the lines
		}
		if line := l.cfg.line(tty); line == nil || !line.dials() {
			l.errorAt(v.Get("callback", "line"), "see the key lines", "there is no line tty %d that dials", tty)
			break
		}
	}
	if r := u.Callback.Rotary; r != nil && len(l.cfg.Lines) > 0 && !l.cfg.rotaryDials(*r) && !l.cfg.fleetRotary(*r) {
		l.errorAt(v.Get("callback", "rotary"), "see the key lines", "no line of rotary %d dials", *r)
	}
	l.crossPolicy(v, u)
}

// crossPolicy warns of a local user that the policy would reject, whatever the service.
func (l *loader) crossPolicy(v *schema.Value, u aaa.User) {
	granted := aaa.Result{
		Identity: aaa.Identity{Entry: MethodLocal, User: u.Name},
		Auth: aaa.Authorization{Callback: true, Further: u.Callback.Further, CallbackID: u.Callback.Place,
			NoVerify: u.Callback.NoVerify, Groups: u.Groups},
		PPPAuth: policies.AnyPPPAuth,
	}
	if u.Callback.Place == "" {
		granted.Auth.Dialstring = aaa.DialstringOf(u.Callback.Dialstring.Value())
	}
	decide := func(s aaa.Service) policies.Decision {
		d, trace := l.cfg.Policies.Evaluate(policies.Ask(aaa.Request{Service: s}, granted, policies.Line{}, time.Now(),
			policies.Used{}))
		switch trace.Decided() {
		case policies.RuleHours, policies.RuleWhen, policies.RuleAccess: // the configuration is checked at any time
			d.Outcome = ""
		}
		return d
	}
	ppp := u.Serves(aaa.PPP) && l.servesPPP()
	if !u.Serves(aaa.EXEC) && !ppp {
		return // no line serves the user, which is no matter of the policies
	}
	first := aaa.EXEC
	if !u.Serves(first) {
		first = aaa.PPP
	}
	d := decide(first)
	if p, _ := l.cfg.Policies.Group(d.Group); l.cfg.Policies.OfCall() && !slices.Contains(p.Users, u.Name) &&
		!slices.Contains(u.Groups, d.Group) {
		return // the call may put the user into another group
	}
	switch {
	case d.Outcome == policies.Refuse && ppp && decide(aaa.PPP).Outcome != policies.Refuse:
	case d.Outcome == policies.Refuse:
		l.warnAt(v.Get("callback"), d.Hint, "user %q will be rejected: %s", u.Name, d.Reason)
	case d.Outcome == policies.CallBack && u.Callback.NoVerify && !d.NoVerify && u.Serves(aaa.EXEC):
		l.warnAt(v.Get("callback", "no_verify"), "set no_verify: allow in its policy file",
			"user %q must still log in again: group %s does not allow no_verify", u.Name, d.Group)
	case d.Outcome == policies.CallBack && d.NoVerify:
		l.crossNoVerify(v.Get("callback", "no_verify"), u)
	}
}
