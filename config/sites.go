package config

import (
	"regexp"
	"slices"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/schema"
)

// Sites are the systems that operators dial.
type Sites struct {
	Known    map[string]broker.Site // of the configuration
	List     string                 // the login list that authenticates the other sites; "": there are none
	Suffix   string                 // of the user names of sites
	Password aaa.Secret             // of sites at AAA
}

// lsdoPassword is the password of IOS's large-scale dial-out.
const lsdoPassword = "cisco"

// dialOutKeys are the keys of `dial_out`.
var dialOutKeys = []schema.Key{
	{Name: "login", Check: schema.NotEmpty, Example: "default",
		Doc: "List of `aaa.lists.login` that authenticates sites at AAA; `aaa.lists.dial_out` of the same name, " +
			"if there is " +
			"one, authorizes them. Default: only the sites of `sites` can be dialed."},
	{Name: "suffix", Check: schema.NotEmpty, Default: "-out", Example: "-site",
		Doc: "Follows the name of a site in its user name, for AAA, the policies, accounting and ceilings."},
	{Name: "password_file", Check: schema.NotEmpty, Example: "dial-out.password",
		Doc: "File with the password of all sites at AAA. Default: `cisco`, as in IOS."},
}

// siteKeys are the keys of an entry of `sites`.
var siteKeys = []schema.Key{
	{Name: "numbers", Type: schema.List, Elem: &schema.Key{Check: schema.NotEmpty, Example: `"84007"`},
		Example: `["84007"]`,
		Doc: "Numbers that may be dialed, in the notations of AAA's numbers; the first is dialed unless the " +
			"operator names " +
			"another of them. Default: the operator names the number."},
	{Name: "modem_script", Check: checkRegexp, Example: "^slow-modems$",
		Doc: "Regular expression on the names of chat scripts that dial; the name must also match the `scripts: " +
			"{dialer}` of " +
			"the line."},
	{Name: "system_script", Check: checkRegexp, Example: "^acme-login$",
		Doc: "Regular expression on the names of chat scripts that log on to the system, before the operator has " +
			"the call. " +
			"If it fails, the call is hung up. Default: none. Either this or `dialogue`."},
	{Name: "dialogue", Example: `"ogin: \\L ssword: \\P"`,
		Doc: "The script itself, in the syntax of `chat_scripts`."},
	{Name: "send_name", Check: schema.NotEmpty, Example: "maui-nas-04",
		Doc: "Our name at the system: `\\L` in the script."},
	{Name: "send_secret_file", Check: schema.NotEmpty, Example: "harbor.secret",
		Doc: "File with our password at the system: `\\P` in the script; transcripts have `[secret]`."},
	{Name: "lines", Type: schema.List, Elem: &schema.Key{Loose: true, Check: schema.CheckTTYs, Example: "65-66"},
		Example: "[65-66]",
		Doc:     "Lines that may dial the site: TTYs and ranges of them. Default: all that may dial."},
}

// sites reads `dial_out` and `sites`.
func (l *loader) sites() {
	at := l.v.Get("dial_out")
	s := Sites{Known: map[string]broker.Site{}, Suffix: l.text("dial_out.suffix"), Password: lsdoPassword,
		List: at.Get("login").Text()}
	if file := at.Get("password_file"); file.IsSet() {
		s.Password, _ = l.secret(file)
	}
	if list := at.Get("login"); list.IsSet() {
		if _, ok := l.cfg.Lists.Find("login", s.List); !ok {
			l.errorAt(list, "write it in aaa.lists.login", "there is no login list %q", cut(s.List))
		}
	}
	sites := l.v.Get("sites")
	for _, name := range sites.Names() {
		s.Known[name] = l.siteProfile(name, sites.Get(name))
	}
	l.cfg.Sites = s
}

func (l *loader) siteProfile(name string, v *schema.Value) broker.Site {
	s := broker.Site{Numbers: v.Get("numbers").Texts(), ModemScript: v.Get("modem_script").Text(),
		SystemScript: v.Get("system_script").Text(), SendName: v.Get("send_name").Text()}
	if file := v.Get("send_secret_file"); file.IsSet() {
		s.SendSecret, _ = l.secret(file)
	}
	for _, item := range v.Get("lines").Items() {
		first, last, _ := schema.ParseTTYs(item.Text()) // checked by the table
		for tty := first; tty <= last; tty++ {
			s.TTYs = append(s.TTYs, tty)
			if !slices.ContainsFunc(l.cfg.Lines, func(line Line) bool { return line.TTY == tty }) {
				l.errorAt(item, "", "there is no line %d", tty)
				break
			}
		}
	}
	dialogue := v.Get("dialogue")
	switch {
	case !dialogue.IsSet():
	case s.SystemScript != "":
		l.errorAt(dialogue, "remove one of the two", "a dialogue and a system_script")
	default:
		script, err := chat.Parse("site:"+name, dialogue.Text())
		if err != nil {
			l.errorAt(dialogue, "", "%v", err)
			break
		}
		l.cfg.Scripts = append(l.cfg.Scripts, script)
		s.SystemScript = "^site:" + regexp.QuoteMeta(name) + "$"
	}
	for _, key := range []string{"modem_script", "system_script"} {
		if at := v.Get(key); at.IsSet() {
			if _, err := chat.Select(l.cfg.Scripts, at.Text()); err != nil {
				l.errorAt(at, "write it in chat_scripts", "%v", err)
			}
		}
	}
	return s
}
