package cli

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/freeradius"
	"github.com/ringback/ringback/importer/tacplus"
)

func newImportTacPlus() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "tac_plus FILE",
		Short: "import the users of tac_plus, a TACACS+ server",
		Long: `Makes local users of the users and groups in a tac_plus.conf (tac_plus F4), "-" for standard input: passwords in the
clear and those of crypt(3) with $1$ or $2…$, priv-lvl, the callback-* pairs of service = exec and of service = ppp, and time
limits, which become policy files. A user with other passwords or callbacks for the EXEC and for PPP becomes two local
users of one name with different services. A user whose entry has a limit that a local user cannot have (an acl, a program
that decides, an autocmd, filters) is not imported: the report has the reason.

Without --out, nothing is written and only the report is printed. Passwords are never printed; they are written into files
of their own in DIR/secrets.`,
		Example: "  ringback import tac_plus tac_plus.conf\n" +
			"  ringback import tac_plus tac_plus.conf --out new && ringback check-config -c new/ringback.yaml",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args[0], func(data []byte) (*importer.Site, *importer.Report, error) {
				return tacplus.Read(data, time.Now())
			})
		},
	}
	f.add(c)
	return c
}

func newImportFreeRADIUS() *cobra.Command {
	var f importFlags
	var places []string
	c := &cobra.Command{
		Use:   "freeradius-users FILE",
		Short: "import the users file of a FreeRADIUS server",
		Long: `Makes local users of the entries in a users file of FreeRADIUS (mods-config/files/authorize), "-" for standard
input. For each user the entries are applied as the server does, to a login to the EXEC and to one of PPP, with DEFAULT and
Fall-Through, and the reply is read as ringback reads it: Callback-Number, Callback-Id, the Callback-* types of service,
Cisco-AVPair, Ascend-* and the attributes of other vendors. Cleartext-Password and Crypt-Password with $1$ or $2…$ are
imported. An entry that compares what only a request has, such as Calling-Station-Id, leaves its users out: the report has
the reason. $INCLUDE is an error, because the entries of that file may answer first.

Callback-Id is a name that the access server knows: say its number with --place. Without --out, nothing is written and only
the report is printed. Passwords are never printed; they are written into files of their own in DIR/secrets.`,
		Example: "  ringback import freeradius-users /etc/freeradius/3.0/mods-config/files/authorize\n" +
			"  ringback import freeradius-users authorize --place home-office=84022 --out new",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			known, err := placesOf(places)
			if err != nil {
				return err
			}
			return f.run(cmd, args[0], func(data []byte) (*importer.Site, *importer.Report, error) {
				return freeradius.Read(data, known)
			})
		},
	}
	f.add(c)
	c.Flags().StringArrayVar(&places, "place", nil, "NAME=NUMBER of a Callback-Id; may be repeated")
	return c
}

// placesOf reads the values of --place.
func placesOf(flags []string) (map[string]string, error) {
	known := map[string]string{}
	for _, p := range flags {
		name, number, ok := strings.Cut(p, "=")
		if !ok || name == "" || number == "" {
			return nil, misused("--place %s: must be NAME=NUMBER", p)
		}
		if _, twice := known[name]; twice {
			return nil, misused("--place %s: %s has a number already", p, name)
		}
		known[name] = number
	}
	return known, nil
}
