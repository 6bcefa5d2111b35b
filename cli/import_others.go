package cli

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/importer/freeradius"
	"github.com/ringback/ringback/importer/mgetty"
	"github.com/ringback/ringback/importer/portmaster"
	"github.com/ringback/ringback/importer/tacplus"
)

// freshPasswords is the flag --new-passwords.
type freshPasswords bool

func (p *freshPasswords) add(c *cobra.Command) {
	c.Flags().BoolVar((*bool)(p), "new-passwords", false, "make new passwords for users without one that can be "+
		"imported, in DIR/secrets")
}

// password returns the function that makes a password; nil: none is made.
func (p freshPasswords) password() func() string {
	if !p {
		return nil
	}
	return rand.Text
}

func newImportTacPlus() *cobra.Command {
	var f importFlags
	var fresh freshPasswords
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
			"  ringback import tac_plus tac_plus.conf --new-passwords --out new",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args[0], func(data []byte) (*importer.Site, *importer.Report, error) {
				return tacplus.Read(data, tacplus.Options{Now: time.Now(), NewPassword: fresh.password()})
			})
		},
	}
	f.add(c)
	fresh.add(c)
	return c
}

func newImportFreeRADIUS() *cobra.Command {
	var f importFlags
	var fresh freshPasswords
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
				return freeradius.Read(data, freeradius.Options{Places: known, NewPassword: fresh.password()})
			})
		},
	}
	f.add(c)
	fresh.add(c)
	c.Flags().StringArrayVar(&places, "place", nil, "NAME=NUMBER of a Callback-Id; may be repeated")
	return c
}

func newImportPortMaster() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "portmaster FILE",
		Short: "import the user table of a Livingston PortMaster",
		Long: `Makes local users and places of the commands of ComOS that make the user table and the location table, "-" for standard
input: add user, add netuser, set user, add location and set location, as a backup has them, or the record of a session with
its prompts. A login user is called back at the number of "dialback", a network user at the location, which becomes a place
with the number of "telephone". Login users have the EXEC, network users PPP.

The PortMaster connects a login user to a host; here the user gets an EXEC that can do nothing but "telnet HOST". Without
--out, nothing is written and only the report is printed. Passwords are never printed; they are written into files of their
own in DIR/secrets.`,
		Example: "  ringback import portmaster pm2e.txt\n" +
			"  ringback import portmaster pm2e.txt --out new && ringback check-config -c new/ringback.yaml",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0], portmaster.Read) },
	}
	f.add(c)
	return c
}

func newImportMgetty() *cobra.Command {
	var f importFlags
	var login, callback, dialin, users string
	c := &cobra.Command{
		Use:   "mgetty [--login-config FILE] [--callback-config FILE]",
		Short: "import login.config and callback.config of mgetty",
		Long: `Makes a configuration of the files of mgetty+callback. Rows of login.config that start the program callback become local
users with its numbers; the devices of callback.config become lines 1, 2, … with its speed, waits, modem commands and dial
prefix; /AutoPPP/ becomes a PPP profile if pppd is given the addresses.

mgetty has no users of its own. Users of the system are imported with --users, a file in the format of /etc/shadow of which
those with hashes of crypt(3) that begin with $1$ or $2…$ can log in. mgetty calls a name of login.config back without asking
for a password; ringback asks for one before and after: a new one is made and written into DIR/secrets. In version 2, the
users of --users whose rows have Y are called back at the number of the row that has N.

Without --out, nothing is written and only the report is printed.`,
		Example: "  ringback import mgetty --login-config /etc/mgetty/login.config --callback-config cb.config\n" +
			"  ringback import mgetty --login-config login.config --users shadow --out new",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if login == "" && callback == "" {
				return misused("--login-config or --callback-config is required")
			}
			in := mgetty.Inputs{Login: mgetty.Input{Name: login}, Callback: mgetty.Input{Name: callback},
				Dialin: mgetty.Input{Name: dialin}, Users: mgetty.Input{Name: users}}
			for _, file := range []*mgetty.Input{&in.Login, &in.Callback, &in.Dialin, &in.Users} {
				if file.Name == "" {
					continue
				}
				data, err := readImport(cmd, file.Name)
				if err != nil {
					return err
				}
				file.Data = data
			}
			site, report, err := mgetty.Read(in, rand.Text)
			return f.finish(cmd, site, report, err)
		},
	}
	f.add(c)
	c.Flags().StringVar(&login, "login-config", "", "login.config of mgetty")
	c.Flags().StringVar(&callback, "callback-config", "", "callback.config of mgetty")
	c.Flags().StringVar(&dialin, "dialin", "", "dialin.config of mgetty: for the report only")
	c.Flags().StringVar(&users, "users", "", "users with their hashes, in the format of /etc/shadow")
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
