package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/ios"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/schema"
)

func newImportIOS() *cobra.Command {
	var f importFlags
	var o ios.Options
	var ports []string
	c := &cobra.Command{
		Use:   "ios RUNNING-CONFIG",
		Short: "import the running configuration of a Cisco access server",
		Long: `Reads the output of IOS's "show running-config" ("-" reads standard input), prints a report in which every line
appears once, and with --out writes ringback.yaml, a policy file for each kind of callback, and files with the secrets.
The result passes "ringback check-config" as it is. Passwords of types 0 and 7 are stored in files of their own; hashes
of types 5, 8 and 9 are used as they are. The report shows none of them. It warns of what behaves as on the router
although ringback would otherwise forbid it: callbacks without a second login on the called line, numbers that callers
type.

IOS does not say where the modems are, but ringback must know: --port names the ports of the lines, as the key "port"
does, with {tty} for the number of the line, or {2000+tty} for a sum. "65=URL" and "65-70=URL" are for some lines; the
flag may be given several times. Other lines get a placeholder, with which no modem is found.

A text that was copied from a document, with lines joined or wrapped or prose between them, or that ends without "end",
is an error that names the line, and nothing is written. docs/reference/import-ios.md has what becomes of each command,
docs/how-to/from-ios.md the way from the router to a daemon.`,
		Example: "  ringback import ios router.cfg                       # the report; nothing is written\n" +
			"  ringback import ios router.cfg --out /etc/ringback --port " +
			"'rfc2217://console1.example.net:{2000+tty}'\n" +
			"  ringback import ios router.cfg --out new --port 65=serial:///dev/ttyS0 -o json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, text := range ports {
				p, err := iosPort(text)
				if err != nil {
					return misused("--port %s: %w", text, err)
				}
				o.Ports = append(o.Ports, p)
			}
			if o.Aux < 0 || o.Aux > schema.MaxTTY {
				return misused("--aux %d: is not the number of a line", o.Aux)
			}
			return f.run(cmd, args[0], func(data []byte) (*importer.Site, *importer.Report, error) {
				return ios.Import(data, o)
			})
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&ports, "port", nil, "port of the lines, [TTY=]URL or [TTY-TTY=]URL with {tty} for the "+
		"number of the line (default: placeholders)")
	c.Flags().IntVar(&o.Aux, "aux", 0, "number of the line aux 0, as \"show line\" prints it (default: found from "+
		"the text)")
	c.Flags().BoolVar(&o.Fragment, "fragment", false, "accept a text without the line \"end\": a part of a "+
		"configuration "+
		"that is complete in itself")
	return c
}

// iosPort reads [TTY[-TTY]=]URL.
func iosPort(text string) (p ios.Port, err error) {
	p = ios.Port{First: 0, Last: schema.MaxTTY, URL: text}
	if lines, url, ok := strings.Cut(text, "="); ok && !strings.Contains(lines, ":") {
		if p.First, p.Last, err = schema.ParseTTYs(lines); err != nil {
			return p, err
		}
		p.URL = url
	}
	sample, err := samplePort(p.URL)
	if err != nil {
		return p, err
	}
	_, err = port.Parse(sample)
	return p, err
}

// samplePort is a port of a template.
func samplePort(url string) (string, error) {
	for {
		before, rest, ok := strings.Cut(url, "{")
		if !ok {
			return url, nil
		}
		inside, after, closed := strings.Cut(rest, "}")
		if name := inside[strings.LastIndex(inside, "+")+1:]; !closed || name != "tty" && name != "n" {
			return "", fmt.Errorf("a placeholder is {tty}, or a sum such as {2000+tty}")
		}
		url = before + "1" + after
	}
}
