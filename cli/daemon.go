package cli

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lab"
)

// daemonFlags are the flags of the commands that query a running daemon.
type daemonFlags struct {
	cmd     *cobra.Command
	socket  string
	output  string
	formats []string // of output; nil: table and json
}

func (f *daemonFlags) add(c *cobra.Command) {
	f.cmd = c
	c.Flags().StringVar(&f.socket, "socket", "",
		"admin socket of the daemon (default: $RINGBACK_SOCKET, else a running lab's, else the daemon's usual place)")
}

func (f *daemonFlags) addOutput(c *cobra.Command) {
	f.add(c)
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table, json or yaml")
}

// addTable is addOutput for commands whose table has columns that do not fit into 80 columns.
func (f *daemonFlags) addTable(c *cobra.Command) {
	f.add(c)
	f.formats = []string{"table", "wide", "json", "yaml"}
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table (80 columns), wide (all columns), json or yaml")
}

// wide reports whether all columns are requested.
func (f *daemonFlags) wide() bool { return f.output == "wide" }

// client finds the daemon: as the user specifies, a running lab, or the usual place.
func (f *daemonFlags) client() (*client.Client, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if base := f.remote("api"); base != "" && f.socket == "" {
		return f.overTLS(base)
	}
	if f.socket != "" {
		return client.New(f.socket), nil
	}
	if s := os.Getenv("RINGBACK_SOCKET"); s != "" {
		return client.New(s), nil
	}
	if town, err := lab.Find(); err == nil && town.Socket != "" {
		return client.New(town.Socket), nil
	}
	for _, s := range []string{config.DefaultSocket(), config.SystemSocket} {
		if _, err := os.Stat(s); !errors.Is(err, os.ErrNotExist) {
			return client.New(s), nil
		}
	}
	return nil, fmt.Errorf("no daemon found: neither a running lab nor %s (start `ringback lab` or `ringback "+
		"serve -c …`, or give --socket)", filepath.Clean(config.DefaultSocket()))
}

// usualConfig is the configuration file of the service.
const usualConfig = "/etc/ringback/ringback.yaml"

// addConfig adds the flag that names the configuration file, for commands that read it themselves, and returns what
// finds the file when the command runs.
func addConfig(c *cobra.Command) (file func() string) {
	given := c.Flags().StringP("config", "c", "", "the configuration file (default: a running lab's, else "+usualConfig+
		")")
	return func() string { return configFile(*given) }
}

// configFile finds the configuration file: as the user specifies, a running lab's, or that of the service.
func configFile(given string) string {
	if given != "" {
		return given
	}
	if town, err := lab.Find(); err == nil && town.Socket != "" {
		return filepath.Join(town.Dir, "ringback.yaml")
	}
	return usualConfig
}

// remoteFlags are the flags for a daemon on another machine, with the environment variables that replace them.
var remoteFlags = []struct{ name, env, help string }{
	{"api", "RINGBACK_URL", "URL of a daemon on another machine, https://HOST:PORT (its api.listen)"},
	{"cert", "RINGBACK_CERT", "with --api: file of our certificate, in PEM"},
	{"key", "RINGBACK_KEY", "with --api: file of its key, in PEM"},
	{"ca", "RINGBACK_CA", "with --api: file of the authorities that may sign the daemon's certificate, in PEM"},
}

// addRemote adds the flags for a daemon on another machine to all commands below c.
func addRemote(c *cobra.Command) {
	for _, f := range remoteFlags {
		c.PersistentFlags().String(f.name, "", f.help+" (default: $"+f.env+")")
	}
}

// remote returns the value of one of remoteFlags.
func (f *daemonFlags) remote(name string) string {
	for _, r := range remoteFlags {
		if r.name != name {
			continue
		}
		if v, err := f.cmd.Flags().GetString(name); err == nil && v != "" {
			return v
		}
		return os.Getenv(r.env)
	}
	return ""
}

// overTLS returns a client of a daemon on another machine.
func (f *daemonFlags) overTLS(base string) (*client.Client, error) {
	files := certs.Files{CertFile: f.remote("cert"), KeyFile: f.remote("key"), CAFile: f.remote("ca"), MinTLS12: true}
	if files.CertFile == "" || files.KeyFile == "" {
		return nil, misused("--api: a daemon on another machine requires a certificate of its clients (--cert and " +
			"--key)")
	}
	c, err := waitFor(f.cmd.Context(), "--ca, --cert, --key", func() (*tls.Config, error) { return files.Config("") })
	if err != nil {
		return nil, fmt.Errorf("--api: %s", strings.NewReplacer("tls.ca_file", "--ca", "tls.cert_file", "--cert",
			"tls.key_file", "--key").Replace(err.Error()))
	}
	cl, err := client.NewTLS(base, c)
	if err != nil {
		return nil, misused("--api: %v", err)
	}
	return cl, nil
}

func (f *daemonFlags) check() error {
	formats := f.formats
	if formats == nil {
		formats = []string{"table", "json", "yaml"}
	}
	if f.output == "" || slices.Contains(formats, f.output) {
		return nil
	}
	last := len(formats) - 1
	return misused("-o %s: must be %s or %s", f.output, strings.Join(formats[:last], ", "), formats[last])
}

// machine reports whether the output is for programs.
func (f *daemonFlags) machine() bool { return f.output == "json" || f.output == "yaml" }

// print writes v as JSON or YAML if the user asked for it, otherwise it calls table.
func (f *daemonFlags) print(w io.Writer, v any, table func(io.Writer)) error {
	if err := f.check(); err != nil {
		return err
	}
	switch f.output {
	case "json":
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(v)
	case "yaml":
		return writeYAML(w, v)
	}
	table(w)
	return nil
}

// printEach is print for one of many values: with JSON each is a line, with YAML a document.
func (f *daemonFlags) printEach(w io.Writer, v any, text func(io.Writer) error) error {
	switch f.output {
	case "json":
		return json.NewEncoder(w).Encode(v)
	case "yaml":
		if _, err := io.WriteString(w, "---\n"); err != nil {
			return err
		}
		return writeYAML(w, v)
	}
	return text(w)
}

// writeYAML writes v as YAML, with the names, values and order of its JSON.
func writeYAML(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil { // JSON is YAML
		return err
	}
	blocks(&n)
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(&n); err != nil {
		return err
	}
	return e.Close()
}

// blocks writes each value on a line of its own. Texts stay in quotes: readers of YAML 1.1 take no and 1:30 for others.
func blocks(n *yaml.Node) {
	if n.Kind != yaml.ScalarNode {
		n.Style = 0
	}
	for i, c := range n.Content {
		if blocks(c); n.Kind == yaml.MappingNode && i%2 == 0 {
			c.Style = 0
		}
	}
}
