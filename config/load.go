package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/viper"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/recordings"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/tariff"
	"github.com/ringback/ringback/texts"
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
func Load(path string, o Overrides) (*Config, Problems) { return load(path, o, nil) }

// load is Load; it notes the stamps of the files that it reads in read, unless that is nil.
func load(path string, o Overrides, read stamps) (*Config, Problems) {
	data, access, err := read.readFile(path, schema.MaxSize)
	if err != nil {
		return nil, Problems{{File: path, Msg: schema.Reason(err),
			Hint: "name the file with -c FILE; may this user read it?"}}
	}
	l := &loader{file: path, dir: filepath.Dir(path), read: read.readFile, policies: read.loadDir, tun: tunDevice}
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
	named    map[string]string     // see source.secrets
	stored   map[string]aaa.Secret // passwords of passwords_file, by user
	scripted scriptChecks
	inits    map[string]initialization // by text
	omitted  map[string]omitted        // by the lines that users want
	cfg      Config
	problems Problems
	entries  map[string]map[string]bool // names of the entries of lists, by their keys: see exists
}

func (l *loader) load(data []byte, o Overrides) (*Config, Problems) {
	var problems Problems
	l.v, problems = schema.Parse(l.file, data, Keys())
	l.problems = append(l.problems, problems...)
	if len(l.v.Names()) == 0 && len(problems) == 0 {
		l.problem(Problem{File: l.file, Msg: "the file has no keys: it is empty, or was cut off",
			Hint: "write it again, or restore it from a backup; ringback init writes a first one"})
		return nil, l.problems
	}
	l.layer(o)
	l.servers, l.named = map[string]*schema.Value{}, map[string]string{}
	l.cfg = Config{File: l.file}
	l.trust(nil, l.file, l.self, noWrite)
	for _, part := range []func(){l.node, l.hooks, l.sessions, l.loginLimits, l.numbers, l.tariff, l.ceilings, l.fleet,
		l.places, l.radius, l.tacacs, l.groups, l.enable, l.lists, l.console, l.callCheck, l.dynamicAuthor, l.users,
		l.scripts, l.ppp,
		l.profiles, l.lines, l.hunts, l.trunks, l.modemTests, l.policyFiles, l.locales, l.startChat, l.sites,
		l.listen, l.triggers, l.cross} {
		part()
	}
	l.cfg.Digest = l.digest(data)
	l.problems.Sort()
	if l.problems.HasErrors() {
		return nil, l.problems
	}
	from := source{file: l.v, over: l.over, secrets: l.named, inForce: map[string]string{
		"state_dir": l.cfg.StateDir, "api.socket": l.cfg.API.Socket,
	}}
	if l.cfg.Fleet != nil {
		from.inForce["fleet.node"] = l.cfg.Fleet.Node
	}
	l.cfg.written, l.cfg.effective = from.written(), from.effective()
	cfg := l.cfg // a copy, so that the loader with the whole tree of nodes can be freed
	return &cfg, l.problems
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

// or returns a value of a list element, or the default of its table (schema.Defaults).
func or(v, defaults *schema.Value, names ...string) *schema.Value {
	if f := v.Get(names...); f.IsSet() {
		return f
	}
	return defaults.Get(names...)
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
	c.Audit = audit.Settings{File: l.filePath("audit.seals"), Every: l.duration("audit.seal_every"),
		Rows: int64(l.int("audit.seal_rows"))}
	if c.Audit.File == "" {
		c.Audit.File = filepath.Join(c.StateDir, audit.SealsFile)
	}
	c.Recordings = Recordings{Dir: l.filePath("recordings.dir"), Limits: recordings.Limits{
		Keep: l.duration("recordings.keep"), MaxSize: int64(l.int("recordings.max_size")) << 20,
		MaxSession: int64(l.int("recordings.max_session")) << 20, Charset: l.text("recordings.charset")}}
	if c.Recordings.Dir == "" {
		c.Recordings.Dir = filepath.Join(c.StateDir, "recordings")
	}
	l.trustOutput("audit.seals", "name a file, or remove audit.seals for the file in state_dir", c.Audit.File)
	c.API.Socket = l.filePath("api.socket")
	if c.API.Socket == "" {
		c.API.Socket = socketIn(os.Geteuid() == 0, c.StateDir)
	}
	if err := checkSocket(c.API.Socket); err != nil && !l.broken("api") {
		l.errorAt(l.v.Get("api", "socket"), "set api.socket to a shorter path", "%s: %v", c.API.Socket, err)
	}
	l.adminAPI()
	c.Log = Log{Level: l.text("log.level"), Format: l.text("log.format"), File: l.filePath("log.file")}
	l.trustOutput("log.file", "name a file, or remove log.file for standard error", c.Log.File)
	if n := l.v.Get("log", "mask_numbers"); n.IsSet() && !l.broken("log") {
		keep := l.int("log.mask_numbers")
		c.Log.MaskNumbers = &keep
	}
	c.Traces = l.traces(l.v.Get("traces"))
	c.CDR = CDR{File: l.filePath("cdr.file"), Format: l.text("cdr.format")}
	l.trustOutput("cdr.file", "name a file, or remove cdr.file", c.CDR.File)
	c.Log.Syslog = l.syslog(l.v.Get("log", "syslog"))
	l.metrics()
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
	l.cfg.Locale = texts.Locale{Language: texts.Language(l.text("language")), Charset: texts.Charset(l.text("charset"))}
	l.cfg.Exec = exec.Config{
		Hostname: l.cfg.Hostname,
		Prompts: exec.Prompts{
			Username: l.text("prompts.username"), Password: l.text("prompts.password"),
			Dialstring: l.text("prompts.dialstring"),
		},
		Texts:       l.dictionary(),
		Banner:      l.text("banner"),
		Notice:      l.notice(),
		IdleTimeout: none(l.duration("exec.idle_timeout")),
		Hosts:       l.hosts(),
	}
}

// notice returns the operator's own text for recorded users; nil: that of the dictionary.
func (l *loader) notice() *string {
	text := l.text("recordings.notice")
	if text == "" && !l.v.Get("recordings", "notice").IsSet() {
		return nil
	}
	return &text
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
		if err := misdials(script); err != nil {
			l.errorAt(text, `dial with a line such as "ATDT \T"`, "chat script %q: %v", name.Text(), err)
			continue
		}
		if what := script.BehindConnect(); what != "" {
			l.warnAt(text, `end it with CONNECT \c: the user that is called back logs in to ringback; the rest belongs into scripts: {system}`,
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
