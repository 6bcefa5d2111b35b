package config

import (
	"strings"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// Reference returns docs/reference/configuration.md: the tables of keys, and the text around them.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString(schema.Markdown(Keys(), 3))
	b.WriteString(referenceMiddle)
	b.WriteString(schema.Markdown(policies.Keys(), 3))
	b.WriteString(referenceTail)
	return b.String()
}

const referenceHead = `# Configuration

<!-- Printed from the tables in config/keys.go and policies/keys.go: go test ./config -update -->

` + "`ringback serve -c ringback.yaml`" + ` reads one YAML file and the files that it names. ` + "`ringback check-config -c ringback.yaml`" + ` prints all that is wrong in
them at once, with file, line, column and key, and exits 1 where something is. Neither opens a port to check.

* An unknown key, a wrong type, a key given twice, a missing secret or script is an error. Anchors and aliases are not supported.
* Numbers of telephones, users or patterns are text: put digits in quotes (` + "`\"0841\"`" + `), for YAML drops leading zeros. Durations have a unit: ` + "`5s`, `1m30s`, `500ms`" + `.
* Relative paths are relative to the directory of the file.
* A secret file holds the secret alone; one newline at its end is dropped. A secret that all may read or others may write, and a configuration,
  policy, directory of policies, ` + "`state_dir`" + ` or certificate that others may write, or that belongs to neither root nor the daemon's user, is a warning of
  ` + "`check-config`" + `; ` + "`serve`" + ` does not start with it, and a reload keeps the old configuration.
* Keys that have one value can be given by the environment as well, ` + "`api.socket` as `RINGBACK_API_SOCKET`" + `; it goes before the file. Relative paths in it are relative to the
  working directory. A variable ` + "`RINGBACK_…`" + ` that stands for no key is an error. (In Kubernetes a service named ` + "`ringback`" + ` makes such variables: ` + "`enableServiceLinks: false`" + `.)

Two samples are in ` + "`testdata/config/`" + `: ` + "`minimal.yaml` and `full.yaml`" + `.

## Keys

`

const referenceMiddle = `## Ports

| URL | what is behind it | modem signals |
|---|---|---|
| ` + "`serial:///dev/ttyS0?speed=115200&flow=hardware`" + ` | a TTY device | yes |
| ` + "`rfc2217://host:port?speed=115200`" + ` | a serial device behind a Telnet server with COM-PORT-OPTION | yes, where the server tells them |
| ` + "`tcp://host:port`" + ` | bytes over TCP | no: result codes alone |
| ` + "`pty:///path`" + ` | a pseudo terminal | no: result codes alone |

Two lines on one port, or with one TTY number, are an error.

## Ranges

` + "`tty: 65-70`" + ` makes six lines that are alike. Their ` + "`port`" + ` is then a template:

| placeholder | stands for |
|---|---|
| ` + "`{tty}`" + ` | the number of the line: 65, 66, … |
| ` + "`{n}`" + ` | its place in the range: 0, 1, … |
| ` + "`{7000+n}`, `{7000+tty}`" + ` | the sum: 7000, 7001, … or 7065, 7066, … |

So ` + "`{tty: 65-70, port: \"rfc2217://console1:{2001+n}\"}`" + ` has line 65 at port 2001 and line 70 at port 2006.

## Policy files

` + "`policies.d/GROUP.yaml`" + ` says what a group of users is allowed at most. Nothing that AAA sends widens it. Other files of the directory are not read; ` + "`GROUP.yml`" + ` is
an error. A user belongs to

1. the group whose ` + "`users`" + ` list the user; two such groups are an error;
2. else the first group hint of AAA that has a policy file;
3. else the group ` + "`default`" + `;
4. else, where that has no file, the built-in policy: callbacks to fixed numbers of AAA or local users, with a second login, no number from the caller, one attempt. A warning
   says so at each start.

A number is made canonical first: from AAA, local users and places spaces and ` + "`-().`" + ` are dropped and one of ` + "`numbers.trunk_prefixes`" + ` is removed; a caller types digits.
Anything else is refused. Then emergency numbers are refused, then the pattern of ` + "`allow` and `deny`" + ` with the most digits that matches decides, ` + "`deny`" + ` between equals. A
number that nothing matches is called back where AAA fixed it and refused where the caller typed it.

With ` + "`no_verify: allow`" + ` the second login may be left out on a line that has modem signals (or ` + "`insecure_signals`" + `, see [Ports](ports.md#what-each-kind-of-port-can-detect)) and is not
the one that was called (unless it has ` + "`callback: {same_line_no_verify: true}`" + `). Where no such line is in service the login is asked for. A line that can only be called back by itself is
an error where a policy allows ` + "`no_verify`" + `: a caller that never hangs up would take the call.

`

const referenceTail = `## Reload

SIGHUP reopens log.file (for logrotate) and checks the whole configuration. If there is an error the old configuration stays in force and the log names the error. Otherwise each changed key
takes effect as its column *reload* says:

| reload | what happens |
|---|---|
| new calls | the key holds for calls, logins and dials from then on. A call that is up goes on as it began |
| at once | the key also holds for what is under way |
| restart | the old value stays until a restart; the log names the key and, for a key of a line, the TTYs |

A callback that was promised keeps its decision, its number and the forced wait of the called line.
Before its dial only denials of the new policies count. Its next attempt, a wait that has not begun
and its second login go by the new values of the lines that they are on.

A line is known by its TTY, wherever in the file it stands. A line that is new begins with a restart.
One that was removed runs on until then with the method lists that it had; a reload that removes
these lists, too, is refused.
`
