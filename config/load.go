package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/spf13/viper"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/tariff"
)

// EnvPrefix is the prefix of environment variables: RINGBACK_API_SOCKET sets api.socket.
const EnvPrefix = "RINGBACK"

// Overrides are values from the command line, by path of the key: {"log.level": "debug"}. Only keys with one
// value can be set, none within a list. Overrides take precedence over the environment, the environment over
// the file.
type Overrides map[string]string

// Load reads and checks the configuration file and all files that it names. The Config is nil if the Problems
// contain an error; without one they may still contain warnings, which the daemon prints at each start. Load
// opens no port and contacts no server.
func Load(path string, o Overrides) (*Config, Problems) {
	data, access, err := readFile(path, schema.MaxSize)
	if err != nil {
		return nil, Problems{{File: path, Msg: schema.Reason(err),
			Hint: "name the file with -c FILE; may this user read it?"}}
	}
	l := &loader{file: path, dir: filepath.Dir(path), read: readFile, policies: policies.LoadDir, tun: tunDevice}
	l.self = access
	return l.load(data, o)
}

// loader is one run of Load.
type loader struct {
	file, dir string
	self      access // of the file
	read      func(path string, max int64) ([]byte, access, error)
	files     []byte // what other files contain: price lists, number ranges
	policies  func(dir string, site policies.Site) (*policies.Set, Problems)
	tun       func() error // why this machine has no TUN interfaces; nil if it has

	v        *schema.Value            // the file
	scalars  *viper.Viper             // flags, environment, file, defaults
	over     map[string]string        // overrides of the file
	servers  map[string]*schema.Value // AAA servers by name
	site     policies.Site
	named    map[string]string // see written.secrets
	cfg      Config
	problems Problems
}

func (l *loader) load(data []byte, o Overrides) (*Config, Problems) {
	var problems Problems
	l.v, problems = schema.Parse(l.file, data, Keys())
	l.problems = append(l.problems, problems...)
	l.layer(o)
	l.servers, l.named = map[string]*schema.Value{}, map[string]string{}
	l.cfg = Config{File: l.file}
	l.trust(nil, l.file, l.self, noWrite)
	for _, part := range []func(){l.node, l.sessions, l.loginLimits, l.numbers, l.tariff, l.ceilings, l.places,
		l.radius, l.tacacs, l.groups, l.enable, l.lists, l.callCheck, l.dynamicAuthor, l.users, l.scripts, l.ppp,
		l.profiles, l.lines, l.hunts, l.trunks, l.policyFiles, l.cross} {
		part()
	}
	l.cfg.Digest = l.digest(data)
	l.cfg.written = written{file: data, over: l.over, secrets: l.named, inForce: map[string]string{
		"state_dir": l.cfg.StateDir, "api.socket": l.cfg.API.Socket,
	}}
	l.problems.Sort()
	if l.problems.HasErrors() {
		return nil, l.problems
	}
	cfg := l.cfg // a copy, so that the loader with the whole tree of nodes can be freed
	return &cfg, l.problems
}

// layer puts flags over environment over file over defaults. Only checked scalars go through viper, which folds
// the letter case of keys and splits them at dots; lists and names chosen by the user are read from the file
// itself.
func (l *loader) layer(o Overrides) {
	l.scalars = viper.New()
	l.scalars.SetEnvPrefix(EnvPrefix)
	l.scalars.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	file := l.v.Flat()
	l.over = map[string]string{}
	var paths, vars []string
	schema.Scalars(Keys(), func(path string, k schema.Key) {
		paths, vars = append(paths, path), append(vars, envName(path))
		l.scalars.SetDefault(path, k.Default)
		_ = l.scalars.BindEnv(path) // its only error is a call without a key
		if s, ok := file[path]; ok {
			_ = l.scalars.MergeConfigMap(nested(path, s)) // its only error is an unsupported type
		}
		l.override(path, k, o)
	})
	for _, path := range sortedKeys(o) {
		if !contains(paths, path) {
			l.problem(Problem{File: "command line", Key: path, Msg: "not a key with a single value",
				Hint: schema.Suggest(path, paths)})
		}
	}
	l.strayVariables(vars)
}

// override checks a key's value from the command line, or from the environment, which viper reads by itself. It
// reports an invalid one.
func (l *loader) override(path string, k schema.Key, o Overrides) {
	// viper ignores empty variables too
	from, key, text := "environment", envName(path), os.Getenv(envName(path))
	if s, ok := o[path]; ok {
		from, key, text = "command line", path, s
		l.scalars.Set(path, s)
	} else if text == "" {
		return
	}
	l.over[path] = text
	if _, err := schema.ParseScalar(k, text); err != nil {
		l.problem(Problem{File: from, Key: key, Msg: err.Error(), Hint: schema.Suggest(text, k.Enum)})
		l.scalars.Set(path, k.Default)
	}
}

// otherVariables are variables of ringback that are not keys: the socket of `ringback show` and similar
// commands, and the settings of the tests and scripts/long.
var otherVariables = []string{
	EnvPrefix + "_SOCKET", EnvPrefix + "_REQUIRE_PEERS", EnvPrefix + "_LONG", EnvPrefix + "_SEED", EnvPrefix + "_SEEDS",
	EnvPrefix + "_FUZZTIME", EnvPrefix + "_UPDATE",
}

// strayVariables reports variables that have the prefix but no effect, since the operator may expect one. Empty
// ones are ignored.
func (l *loader) strayVariables(known []string) {
	var rests []string
	for _, k := range known {
		rests = append(rests, strings.TrimPrefix(k, EnvPrefix+"_"))
	}
	stray := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		rest, ours := strings.CutPrefix(name, EnvPrefix+"_")
		if ours && value != "" && !contains(known, name) && !contains(otherVariables, name) {
			stray[name] = rest
		}
	}
	for _, name := range sortedKeys(stray) {
		hint := strings.Replace(schema.Suggest(stray[name], rests), `"`, `"`+EnvPrefix+"_", 1)
		if hint == "" {
			hint = "unset it; only keys with a single value have a variable, for example log.level " +
				envName("log.level")
		}
		l.problem(Problem{File: "environment", Key: name, Msg: "names no key", Hint: hint})
	}
}

func envName(path string) string {
	return EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func nested(path, value string) map[string]any {
	name, rest, deep := strings.Cut(path, ".")
	if !deep {
		return map[string]any{name: value}
	}
	return map[string]any{name: nested(rest, value)}
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// The values of scalar keys. Values that layer rejected are zero; the Config is not returned then.
func (l *loader) text(path string) string { return l.scalars.GetString(path) }

func (l *loader) bool(path string) bool { return l.scalars.GetBool(path) }

func (l *loader) int(path string) int { return l.scalars.GetInt(path) }

func (l *loader) duration(path string) time.Duration { return l.scalars.GetDuration(path) }

// filePath returns a scalar that is a path: relative to the directory of the file or, from the command line or
// the environment, to the working directory.
func (l *loader) filePath(path string) string {
	s := l.text(path)
	if _, ok := l.over[path]; ok {
		return s
	}
	return l.path(s)
}

func (l *loader) problem(p Problem) { l.problems = append(l.problems, p) }

// errorAt and warnAt report a problem at a value of the file; if the value is absent, at the file.
func (l *loader) errorAt(v *schema.Value, hint, format string, args ...any) {
	l.at(schema.Error, v, hint, format, args...)
}

func (l *loader) warnAt(v *schema.Value, hint, format string, args ...any) {
	l.at(schema.Warning, v, hint, format, args...)
}

func (l *loader) at(s schema.Severity, v *schema.Value, hint, format string, args ...any) {
	p := Problem{File: l.file, Msg: fmt.Sprintf(format, args...), Hint: hint, Severity: s}
	if v.IsSet() {
		p.Line, p.Column, p.Key = v.Line, v.Column, v.Path
	}
	l.problem(p)
}

// broken reports whether there is an error at a key or below it. What depends on the key is then not checked,
// since that would only cause further, misleading errors.
func (l *loader) broken(path string) bool {
	for _, p := range l.problems {
		if p.Severity == schema.Error && (strings.HasPrefix(p.Key, path) || p.Key == "" ||
			strings.HasPrefix(path, p.Key+".")) {
			return true
		}
	}
	return false
}

// or returns a value of a list element, or the table's default for it.
func or(v *schema.Value, keys []schema.Key, names ...string) *schema.Value {
	if f := v.Get(names...); f.IsSet() {
		return f
	}
	row := schema.Find(keys, names[0])
	for _, n := range names[1:] {
		row = schema.Find(row.Keys, n)
	}
	if row.Default == "" {
		return nil
	}
	f, err := schema.ParseScalar(*row, row.Default)
	if err != nil { // a test parses every default of the table
		return nil
	}
	return f
}

func (l *loader) node() {
	c := &l.cfg
	c.Hostname = l.text("hostname")
	c.StateDir = l.filePath("state_dir")
	if c.StateDir == "" {
		c.StateDir = DefaultStateDir()
	}
	if c.StateDir == "" {
		l.problem(Problem{File: l.file, Key: "state_dir", Msg: "this user has no home directory for the state",
			Hint: "write state_dir: /var/lib/ringback"})
	}
	l.trustDir(l.cfg.StateDir)
	c.Journal.Keep = l.duration("journal.keep")
	c.API.Socket = l.filePath("api.socket")
	if c.API.Socket == "" {
		c.API.Socket = socketIn(os.Geteuid() == 0, c.StateDir)
	}
	if err := checkSocket(c.API.Socket); err != nil && !l.broken("api") {
		l.errorAt(l.v.Get("api", "socket"), "set api.socket to a shorter path", "%s: %v", c.API.Socket, err)
	}
	c.API.Group = l.operators()
	c.Log = Log{Level: l.text("log.level"), Format: l.text("log.format"), File: l.filePath("log.file")}
	l.trustLog(c.Log.File)
	c.PoliciesDir = l.filePath("policies_dir")
	l.site.Callback = map[aaa.Service]bool{aaa.EXEC: l.bool("exec.callback"), aaa.PPP: l.bool("ppp.callback")}
	c.Callback.Lifetime = l.duration("callback.lifetime")
	c.Callback.HoldOff = l.duration("callback.hold_off")
	c.Callback.RandomWait = l.duration("callback.random_wait")
	for _, key := range []string{"hold_off", "random_wait"} {
		if d := l.duration("callback." + key); d >= c.Callback.Lifetime && !l.broken("callback") {
			l.errorAt(l.v.Get("callback", key), "write a shorter time, or a longer callback.lifetime",
				"%v: callbacks expire %v after the promise, before they would be dialed", d, c.Callback.Lifetime)
		}
	}
}

// ceilings reads the limits of all callbacks together.
func (l *loader) ceilings() {
	for _, period := range journal.Periods {
		path := "ceilings." + period
		most := journal.Amount{
			Calls: int64(l.int(path + ".calls")),
			Time:  time.Duration(l.int(path+".minutes")) * time.Minute,
		}
		if text := l.text(path + ".money"); text != "" {
			money, _ := tariff.ParseMoney(text) // the table has checked it
			most.Money = int64(money)
			if l.text("tariff.file") == "" && !l.broken("tariff") {
				l.errorAt(l.v.Get("ceilings", period, "money"), "write tariff: {file: tariff.csv}",
					"money is limited, and there is no tariff")
			}
		}
		if most != (journal.Amount{}) {
			l.cfg.Ceilings = append(l.cfg.Ceilings, journal.Limit{Period: period, Amount: most})
		}
	}
}

// none returns a duration for session.Config, where a negative one means no limit and the file has 0s for that.
func none(d time.Duration) time.Duration {
	if d == 0 {
		return -1
	}
	return d
}

func (l *loader) sessions() {
	l.cfg.Session = session.Config{
		Tries:        l.int("login.tries"),
		FailureDelay: none(l.duration("login.failure_delay")),
		LoginTimeout: l.duration("login.timeout"),
	}
	l.cfg.Exec = exec.Config{
		Hostname: l.cfg.Hostname,
		Prompts: exec.Prompts{
			Username: l.text("prompts.username"), Password: l.text("prompts.password"),
			Dialstring: l.text("prompts.dialstring"),
		},
		Banner:      l.text("banner"),
		IdleTimeout: none(l.duration("exec.idle_timeout")),
		Hosts:       l.hosts(),
	}
}

func (l *loader) loginLimits() {
	l.cfg.Logins = broker.LoginLimits{
		Window: l.duration("login.window"), DelayAfter: l.int("login.delay_after"),
		DelayMax:      min(l.duration("login.delay_max"), l.cfg.Session.LoginTimeout/3),
		LockUserAfter: l.int("login.lock_user_after"), LockNumberAfter: l.int("login.lock_number_after"),
		LockTime: l.duration("login.lock_time"),
	}
}

func (l *loader) hosts() exec.Hosts {
	h := exec.Hosts{
		Default: l.text("exec.hosts.default"), Ask: l.bool("exec.hosts.ask"), Timeout: l.duration("exec.hosts.timeout"),
		Terminal: l.text("exec.hosts.terminal"),
	}
	allow := l.v.Get("exec", "hosts", "allow")
	for _, v := range allow.Items() {
		if rule, err := exec.ParseHostRule(v.Text()); err == nil { // otherwise reported by the table
			h.Allow = append(h.Allow, rule)
		}
	}
	if h.Ask && len(h.Allow) == 0 && !l.broken("exec.hosts") {
		l.errorAt(l.v.Get("exec", "hosts", "ask"), `write allow: ["192.0.2.0/24:23"]`,
			"callers may name hosts, but no host is allowed")
	}
	return h
}

func (l *loader) numbers() {
	n := l.v.Get("numbers")
	l.site.Plan = numbers.Plan{TrunkPrefixes: n.Get("trunk_prefixes").Texts(), MaxDigits: l.int("numbers.max_digits"),
		Country: l.country(n), Own: numbers.PatternsOf(n.Get("own").Texts()...)}
	if e := n.Get("emergency"); e.IsSet() {
		l.site.Plan.Emergency = numbers.PatternsOf(e.Texts()...)
		if len(e.Items()) == 0 && !l.broken(e.Path) {
			l.warnAt(e, "remove the key for the built-in patterns", "no emergency number is denied")
		}
	}
	for _, p := range n.Get("trunk_prefixes").Items() {
		if strings.Trim(p.Text(), "0123456789 -().") == "" {
			l.warnAt(p, `write "`+p.Text()+`," if AAA sends a comma`,
				"a prefix of digits only is also removed from numbers that merely begin with it")
		}
	}
	l.site.Plan.Ranges = l.ranges()
	l.cfg.Numbers = l.site.Plan
}

// ranges returns the classes of number ranges: those of a file, or the built-in ones.
func (l *loader) ranges() numbers.Ranges {
	path, at := l.filePath("numbers.fraud_file"), l.v.Get("numbers", "fraud_file")
	if path == "" || l.site.Plan.Country.Code == "" || l.broken("numbers.fraud_file") {
		return numbers.Ranges{}
	}
	text, ok := l.other(at, path)
	if !ok {
		return numbers.Ranges{}
	}
	r, err := numbers.ParseRanges(text)
	if err != nil {
		l.errorAt(at, "", "%s: %v", path, err)
	}
	return r
}

// other reads a file on which decisions depend, so that nobody else may write it; false: it cannot be read.
func (l *loader) other(at *schema.Value, path string) ([]byte, bool) {
	data, access, err := l.read(path, schema.MaxSize)
	if err != nil {
		l.errorAt(at, "the path is relative to the directory of the configuration file", "%s: %s", path,
			schema.Reason(err))
		return nil, false
	}
	l.trust(at, path, access, noWrite)
	l.files = append(l.files, data...)
	return data, true
}

// country returns the site's place in the telephone network.
func (l *loader) country(n *schema.Value) numbers.Country {
	c := numbers.Country{
		Code: l.text("numbers.country"), Region: l.text("numbers.region"), Area: l.text("numbers.area"),
		International: n.Get("international").Texts(), National: n.Get("national").Texts(),
		Private: numbers.PatternsOf(n.Get("private").Texts()...),
	}
	for _, d := range n.Get("digits").Items() {
		c.Digits = append(c.Digits, d.Int())
	}
	if c.Code == "" && !n.Get("country").IsSet() {
		for _, name := range []string{"region", "digits", "area", "international", "national", "private",
			"fraud_file"} {
			if v := n.Get(name); v.IsSet() {
				l.errorAt(v, `write country: "33"`, "requires numbers.country")
			}
		}
		return numbers.Country{}
	}
	if key, err := c.Validate(); err != nil && !l.broken("numbers") {
		v := n.Get(key)
		if !v.IsSet() {
			v = n.Get("country")
		}
		l.errorAt(v, "", "%v", err)
		return numbers.Country{}
	}
	return c
}

// tariff reads the price list.
func (l *loader) tariff() {
	file, currency := l.filePath("tariff.file"), l.v.Get("tariff", "currency")
	switch {
	case file == "" && l.text("tariff.currency") != "" && !l.broken("tariff"):
		l.errorAt(currency, "write tariff: {file: tariff.csv}, or remove it", "a currency without a tariff")
		return
	case file == "" || l.broken("tariff"):
		return
	}
	l.cfg.Tariff = l.priceList(l.v.Get("tariff", "file"), file, l.text("tariff.currency"))
}

// priceList reads a price list.
func (l *loader) priceList(at *schema.Value, file, currency string) *tariff.Table {
	data, ok := l.other(at, file)
	if !ok {
		return nil
	}
	table, problems := tariff.Parse(file, data, currency)
	l.problems = append(l.problems, problems...)
	return table
}

// scripts parses the file's chat scripts and adds the shipped ones whose names are free.
func (l *loader) scripts() {
	names := map[string]*schema.Value{}
	for _, s := range l.v.Get("chat_scripts").Items() {
		name, text := s.Get("name"), s.Get("script")
		if !name.IsSet() || !text.IsSet() {
			continue
		}
		if first, ok := names[name.Text()]; ok {
			l.errorAt(name, "give it another name", "chat script %q is already on line %d", name.Text(), first.Line)
			continue
		}
		names[name.Text()] = name
		script, err := chat.Parse(name.Text(), text.Text())
		if err != nil {
			l.errorAt(text, "", "%v", err)
			continue
		}
		if what := script.BehindConnect(); what != "" {
			l.warnAt(text, `end it with CONNECT \c: the user that is called back logs in to ringback`,
				"chat script %q continues after CONNECT: %s, like a script that logs in to a host", name.Text(), what)
		}
		l.cfg.Scripts = append(l.cfg.Scripts, script)
	}
	for _, s := range chat.Shipped() {
		if names[s.Name] == nil {
			l.cfg.Scripts = append(l.cfg.Scripts, s)
		}
	}
}

// siteScripts returns the chat scripts for the policies; nil if they have errors.
func (l *loader) siteScripts() map[string]policies.SiteScript {
	if l.broken("chat_scripts") {
		return nil
	}
	all := map[string]policies.SiteScript{}
	for _, s := range l.cfg.Scripts {
		all[s.Name] = policies.SiteScript{Dials: s.UsesDialstring(), Adds: s.Adds()}
	}
	return all
}

func (l *loader) policyFiles() {
	dir := l.v.Get("policies_dir")
	l.trustDir(l.cfg.PoliciesDir)
	l.site.Lines, l.site.Scripts = l.siteLines(), l.siteScripts()
	l.site.Tariff = l.cfg.Tariff
	if !l.broken("ppp.pools") {
		l.site.Pools = append([]string{}, l.cfg.PPP.Pools.Names()...)
	}
	if !l.broken("ppp.filters") {
		l.site.Filters = append([]string{}, l.cfg.PPP.Filters.Names()...)
	}
	if l.site.Pools != nil && l.site.Filters != nil {
		l.site.PPPUnfit = l.cfg.PPP.unfit
	}
	set, problems := l.policies(l.cfg.PoliciesDir, l.site)
	l.problems = append(l.problems, problems...)
	l.cfg.Policies = set
	if set == nil {
		return
	}
	if group, yes := set.LimitsMoney(); yes && l.text("tariff.file") == "" && !l.broken("tariff") {
		l.errorAt(dir, "write tariff: {file: tariff.csv}", "group %s limits money, and there is no tariff", group)
	}
	for _, w := range set.Warnings() {
		p := Problem{File: l.file, Key: "policies_dir", Msg: w, Severity: schema.Warning}
		if dir.IsSet() {
			p.Line, p.Column = dir.Line, dir.Column
		}
		l.problem(p)
	}
	files := set.Files()
	for _, g := range set.Groups() {
		l.priced(set, g)
		l.outlasted(set, g)
		l.unoffered(set, g)
		files = append(files, filepath.Join(l.cfg.PoliciesDir, g+".yaml"))
	}
	for _, path := range files {
		if _, access, err := l.read(path, schema.MaxSize); err == nil {
			l.trust(nil, path, access, noWrite)
		}
	}
}

// priced reports a policy that compares prices if there are none.
func (l *loader) priced(set *policies.Set, group string) {
	if p, _ := set.Group(group); p.Callback != policies.WhenCheaper || l.text("tariff.file") != "" {
		return
	}
	flat, _ := set.Flat(group)
	for _, s := range flat {
		if s.Key == "callback" {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: s.Key,
				Msg:  "when_cheaper compares prices, and there is no tariff",
				Hint: "write tariff: {file: tariff.csv} in " + l.file})
		}
	}
}

// outlasted reports a policy whose wait lasts until its callbacks have expired.
func (l *loader) outlasted(set *policies.Set, group string) {
	life := l.cfg.Callback.Lifetime
	if p, _ := set.Group(group); p.Dial.Wait < life || l.broken("callback") {
		return
	}
	flat, _ := set.Flat(group)
	for _, s := range flat {
		if s.Key == "wait" {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: s.Key,
				Msg:  fmt.Sprintf("callbacks expire %v after the promise, before they would be dialed", life),
				Hint: "write a shorter wait, or a longer callback.lifetime in " + l.file})
		}
	}
}

// unoffered warns of a policy that accepts none of the methods that the lines offer.
func (l *loader) unoffered(set *policies.Set, group string) {
	p, _ := set.Group(group)
	if len(p.PPPAuth) == 0 || !l.servesPPP() || l.broken("ppp") || l.broken("lines") {
		return // an empty list is meant so
	}
	var offered []string
	for _, line := range l.cfg.Lines {
		profile, _ := l.cfg.PPP.Profile(line.PPP.Profile)
		for _, m := range profile.Front.Authentication {
			offered = append(offered, m.String())
		}
	}
	slices.Sort(offered)
	offered = slices.Compact(offered)
	if slices.ContainsFunc(p.PPPAuth, func(m string) bool { return slices.Contains(offered, m) }) {
		return
	}
	flat, _ := set.Flat(group)
	for _, s := range flat {
		if s.Key == "ppp.auth[0]" {
			l.problem(Problem{File: s.File, Line: s.Line, Column: s.Column, Key: "ppp.auth", Severity: schema.Warning,
				Msg: fmt.Sprintf("no line offers a method of this list, so PPP rejects the users of group %s; lines "+
					"offer %s", group, strings.Join(offered, ", ")),
				Hint: "change this list, or authentication of the profiles in " + l.file})
		}
	}
}

// digest hashes the configuration without its secrets: the digest is logged, and a weak secret in it could be
// guessed offline.
func (l *loader) digest(data []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%d\n", len(data))
	h.Write(data)
	for _, path := range sortedKeys(l.over) {
		fmt.Fprintf(h, "%s=%q\n", path, l.over[path])
	}
	fmt.Fprintf(h, "%s\n", l.cfg.Policies.Digest())
	h.Write(l.files)
	return hex.EncodeToString(h.Sum(nil))
}
