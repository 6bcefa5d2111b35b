package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/term"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines/modem/probe"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/packaging"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tables"
)

// The kinds of --aaa.
const (
	aaaRADIUS = "radius"
	aaaTACACS = "tacacs"
	aaaLocal  = "local"
)

// answers are what `ringback init` asks: the flags, then the questions for those that are not set.
type answers struct {
	file                       string
	hostname                   string
	aaa, server, secretFile    string
	user, passwordFile, number string
	port                       string
	probe                      bool
	country                    string
	secret, password, line     string // what was asked, read or found
}

func newInit() *cobra.Command {
	var a answers
	c := &cobra.Command{
		Use:   "init [--aaa radius|tacacs|local] [--port PORT]",
		Short: "write a first configuration: an AAA server or a user, a line, and the number plan",
		Long: `Asks a few questions on the terminal, or takes the answers from flags, and writes a configuration that
"ringback check-config" accepts. It never overwrites one, except the sample of the packages while nobody has changed it.
It prints what to do next. Without a terminal it asks nothing: then the flags must have all answers.

The secret of the server is written into a file of its own beside the configuration. With --probe, the modem on the port
is asked for its profile first, as "ringback modem probe" does; it does not dial.`,
		Example: "  ringback init\n" +
			"  ringback init --aaa radius --server 192.0.2.1 --secret-file secret --port /dev/ttyUSB0 --probe\n" +
			"  ringback init --aaa local --user kim --password-file pw --number 84001 --port rfc2217://cs1:2001",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd) },
	}
	f := c.Flags()
	f.StringVarP(&a.file, "config", "c", "/etc/ringback/ringback.yaml", "the configuration file to write")
	f.StringVar(&a.hostname, "hostname", "", "name of this access server (default: the machine's)")
	f.StringVar(&a.aaa, "aaa", "", "what authenticates callers: radius, tacacs or local (a user of this file)")
	f.StringVar(&a.server, "server", "", "address of the RADIUS or TACACS+ server, with or without a port")
	f.StringVar(&a.secretFile, "secret-file", "",
		"file with the secret shared with the server, relative to the configuration")
	f.StringVar(&a.user, "user", "", "with --aaa local: name of the first user")
	f.StringVar(&a.passwordFile, "password-file", "", "with --aaa local: file with the user's password")
	f.StringVar(&a.number, "number", "", "with --aaa local: number at which the user is called back")
	f.StringVar(&a.port, "port", "", "port of the first modem: a device, or a URL as in the configuration")
	f.BoolVar(&a.probe, "probe", false, "ask the modem on the port for its profile")
	f.StringVar(&a.country, "country", "", "country of the site, for the number plan: "+
		strings.Join(planCountries(), ", ")+" (default: none, numbers are dialed as written)")
	return c
}

// plans are the number plans of countries, as the keys of `numbers`; the lengths are those of the countries' plans as
// published by the ITU (numbers without prefix and country code).
var plans = map[string]string{
	"CH": `{country: "41", digits: [9], international: ["00"], national: ["0"]}`,
	"DE": `{country: "49", digits: [6, 7, 8, 9, 10, 11], international: ["00"], national: ["0"]}`,
	"FR": `{country: "33", digits: [9], international: ["00"], national: ["0"]}`,
	"GB": `{country: "44", digits: [9, 10], international: ["00"], national: ["0"]}`,
	"NL": `{country: "31", digits: [9], international: ["00"], national: ["0"]}`,
	"US": `{country: "1", digits: [10], international: ["011"], national: ["1"]}`,
}

func planCountries() (all []string) {
	for name := range plans {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func (a *answers) run(cmd *cobra.Command) error {
	replace, err := a.free()
	if err != nil {
		return err
	}
	if a.hostname == "" {
		a.hostname, _ = os.Hostname()
		a.hostname, _, _ = strings.Cut(a.hostname, ".")
	}
	var ask *asker
	if term.IsTerminal(int(os.Stdin.Fd())) {
		ask = newAsker()
	}
	if err := a.complete(cmd.Context(), ask); err != nil {
		return err
	}
	if err := a.findLine(cmd, ask); err != nil {
		return err
	}
	return a.write(cmd.OutOrStdout(), cmd.ErrOrStderr(), replace)
}

// free reports whether the file may be written: there is none, or (replace) only the sample of the packages.
func (a *answers) free() (replace bool, err error) {
	text, err := os.ReadFile(a.file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := os.Stat(filepath.Dir(a.file)); err != nil {
			return false, fmt.Errorf("%w (make the directory, or write another file with -c)", err)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("%w (run it as root, or write another file with -c)", err)
	case string(text) == string(packaging.Sample):
		return true, nil
	}
	return false, fmt.Errorf("%s exists, and init overwrites nothing (edit it, or write another file with -c)", a.file)
}

// complete asks for what the flags have left open. Without ask, an open answer is a mistake on the command line.
func (a *answers) complete(ctx context.Context, ask *asker) error {
	for _, q := range []struct {
		into         *string
		flag, prompt string
		hidden       bool
	}{ // the first answer decides what else is needed
		{&a.aaa, "--aaa", "Who authenticates callers, radius, tacacs or local (users of this file)? ", false},
		{&a.server, "--server", "Address of the server: ", false},
		{&a.secret, "--secret-file", "Secret shared with the server: ", true},
		{&a.user, "--user", "Name of the first user: ", false},
		{&a.password, "--password-file", "Password of the user: ", true},
		{&a.number, "--number", "Number at which the user is called back (+33140205051): ", false},
		{&a.port, "--port", "Port of the first modem, such as /dev/ttyUSB0: ", false},
	} {
		if !a.needs(q.flag) || *q.into != "" {
			continue
		}
		if ask == nil {
			return misused("%s is required: standard input is not a terminal, so nothing is asked", q.flag)
		}
		text, err := ask.ask(ctx, q.prompt, !q.hidden)
		if err != nil {
			return err
		}
		if *q.into = strings.TrimSpace(text); *q.into == "" {
			return fmt.Errorf("no answer to %q", strings.TrimSpace(q.prompt))
		}
	}
	if ask != nil && a.country == "" {
		text, err := ask.ask(ctx, "Country of the site ("+strings.Join(planCountries(), ", ")+
			"; empty for none): ", true)
		if err != nil {
			return err
		}
		a.country = strings.TrimSpace(text)
	}
	return a.check(ctx)
}

// needs reports whether an answer is needed, by its flag and those before it.
func (a *answers) needs(flag string) bool {
	local := a.aaa == aaaLocal
	switch flag {
	case "--server":
		return !local
	case "--secret-file":
		return !local && a.secretFile == ""
	case "--user", "--number":
		return local
	case "--password-file":
		return local && a.passwordFile == ""
	}
	return true
}

func (a *answers) check(ctx context.Context) error {
	if !slices.Contains([]string{aaaRADIUS, aaaTACACS, aaaLocal}, a.aaa) {
		return misused("--aaa %s: must be radius, tacacs or local", a.aaa)
	}
	if a.country = strings.ToUpper(a.country); a.country != "" && plans[a.country] == "" {
		return misused("--country %s: known are %s; for another country leave it out, and write `numbers` into the "+
			"file (docs/reference/configuration.md)", a.country, strings.Join(planCountries(), ", "))
	}
	if _, err := probeOptions(a.port); err != nil {
		return misused("--port: %w", err)
	}
	if a.passwordFile != "" {
		text, err := waitFor(ctx, a.passwordFile, func() ([]byte, error) { return os.ReadFile(a.passwordFile) })
		if err != nil {
			return err
		}
		a.password = strings.TrimRight(string(text), "\r\n")
	}
	return nil
}

// findLine sets the YAML of the line: what the modem says if it is probed, else the port alone.
func (a *answers) findLine(cmd *cobra.Command, ask *asker) error {
	if ask != nil && !a.probe {
		yes, err := ask.yes(cmd.Context(), "Ask the modem on "+a.port+" for its profile now (it does not dial)")
		if err != nil {
			return err
		}
		a.probe = yes
	}
	o, err := probeOptions(a.port)
	if err != nil {
		return misused("--port: %w", err)
	}
	unprobed := "lines:\n  - tty: 1\n    port: " + yamlText(o.URL(0)) + "\n"
	if !a.probe {
		a.line = unprobed
		return nil
	}
	o.TTY, o.Profiles = 1, profiles.Shipped()
	r, err := probe.Run(cmd.Context(), o)
	if err != nil && ask == nil {
		return fmt.Errorf("%w (without --probe, the line is written unprobed)", err)
	}
	if err != nil { // the other answers are not lost
		fmt.Fprintf(cmd.ErrOrStderr(), "%v\n", err)
		yes, err2 := ask.yes(cmd.Context(), "Write the line without a profile, for `ringback modem probe` later")
		if err2 != nil || !yes {
			return errors.Join(err, err2)
		}
		a.line = unprobed
		return nil
	}
	r.Print(cmd.ErrOrStderr())
	a.line = r.YAML
	return nil
}

// text is the configuration.
func (a *answers) text() (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by ringback init. After a change: ringback check-config, then ringback reload.\n"+
		"hostname: %s\n", yamlText(a.hostname))
	if os.Geteuid() == 0 {
		fmt.Fprintf(&b, "state_dir: /var/lib/ringback\napi: {socket: %s}\n", config.SystemSocket)
	}
	if a.country != "" {
		fmt.Fprintf(&b, "numbers: %s\n", plans[a.country])
	}
	if a.aaa == aaaLocal {
		hash, err := bcrypt.GenerateFromPassword([]byte(a.password), 12)
		if err != nil {
			return "", fmt.Errorf("the password: %w", err)
		}
		fmt.Fprintf(&b, "\naaa:\n  lists: {login: {default: [local]}}\nusers:\n  - {name: %s, password_hash: %s, "+
			"callback: {dialstring: %s}}\n", yamlText(a.user), yamlText(string(hash)), yamlText(a.number))
	} else {
		fmt.Fprintf(&b, "\naaa:\n  %s: [{name: %[1]s1, address: %s, secret_file: %s}]\n"+
			"  lists: {login: {default: [%[1]s]}}\n", a.aaa, yamlText(a.server), yamlText(a.secretName()))
	}
	b.WriteString("\n" + a.line)
	return b.String(), nil
}

// secretName is the file of the secret: that of --secret-file, or a new one beside the configuration.
func (a *answers) secretName() string {
	if a.secretFile != "" {
		return a.secretFile
	}
	return a.aaa + ".secret"
}

// yamlText is text as a YAML string.
func yamlText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + `"`
}

// write checks the configuration in a file beside its place, puts it there and says what to do next.
func (a *answers) write(out, problems io.Writer, replace bool) error {
	text, err := a.text()
	if err != nil {
		return err
	}
	dir := filepath.Dir(a.file)
	if a.secret != "" {
		path := filepath.Join(dir, a.secretName())
		if err := createFile(path, a.secret+"\n"); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s: the secret\n", path)
	}
	temp := filepath.Join(dir, ".ringback-init.yaml")
	if err := createFile(temp, text); err != nil {
		return err
	}
	defer os.Remove(temp)
	cfg, found := config.Load(temp, nil)
	for i := range found {
		if found[i].File == temp {
			found[i].File = a.file
		}
	}
	printProblems(problems, found)
	if cfg == nil {
		return fmt.Errorf("%s, so %s was not written", tables.Numbered(len(found.Only(schema.Error)),
			"error", "errors"), a.file)
	}
	if replace {
		err = os.Rename(temp, a.file)
	} else {
		err = os.Link(temp, a.file) // not over a file that has come in the meantime
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s: written and checked\n\nnext:\n", a.file)
	if a.aaa == aaaLocal {
		fmt.Fprintf(out, "  ringback aaa test %s -c %s\n", a.user, a.file)
	} else {
		fmt.Fprintf(out, "  ringback aaa test USER -c %s       # USER of the server\n", a.file)
	}
	if a.file == "/etc/ringback/ringback.yaml" {
		fmt.Fprint(out, "  ringback doctor --user ringback\n  systemctl restart ringback && ringback show line\n")
	} else {
		fmt.Fprintf(out, "  ringback serve -c %s\n", a.file)
	}
	return nil
}

// createFile creates a file that only this user can read, and the group of its directory if the packages have given the
// directory to the daemon's group. It never overwrites one.
func createFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%w (init overwrites nothing)", err)
	}
	_, err = io.WriteString(f, text)
	if err == nil {
		err = giveToGroup(f, filepath.Dir(path))
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		os.Remove(path)
	}
	return err
}
