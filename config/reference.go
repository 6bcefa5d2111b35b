package config

import (
	"fmt"
	"strings"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/condition"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tariff"
)

// Reference returns docs/reference/configuration.md: the tables of keys, and the text around them.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString(schema.Markdown(Keys(), 3))
	b.WriteString(referenceMiddle)
	b.WriteString(schema.Markdown(policies.Keys(), 3))
	b.WriteString(conditions())
	b.WriteString(referenceTariff)
	b.WriteString(schema.Markdown(tariff.Keys(), 3))
	b.WriteString(referenceTail)
	return b.String()
}

// conditions is the section on the key `when` of policy files.
func conditions() string {
	var b strings.Builder
	fmt.Fprintf(&b, referenceConditions, condition.MaxLength, condition.MaxCost)
	b.WriteString("| variable | type | meaning |\n|---|---|---|\n")
	for _, v := range condition.Variables() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.Name, v.Type(), v.Doc)
	}
	b.WriteString("\n| operator, function | meaning |\n|---|---|\n")
	for _, f := range condition.Functions() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", strings.ReplaceAll(f.Name, "|", `\|`), f.Doc)
	}
	b.WriteString("\n")
	return b.String()
}

const referenceHead = `# Configuration

<!-- Printed from the tables in config/keys.go and policies/keys.go: go test ./config -update -->

` + "`ringback serve -c ringback.yaml`" + ` reads one YAML file and the files that it names. ` + "`ringback check-config -c ringback.yaml`" + ` prints all errors and
warnings about them, with file, line, column and key, and exits 1 if there is an error. Neither opens a port for the check.

* An unknown key, a wrong type, a key given twice, a missing secret or script is an error. Anchors and aliases are not supported.
* Telephone numbers, user names and patterns are text: put digits in quotes (` + "`\"0841\"`" + `), because YAML drops leading zeros. Durations have a unit: ` + "`5s`, `1m30s`, `500ms`" + `.
* Relative paths are relative to the directory of the file.
* A secret file contains only the secret; one newline at its end is ignored. In place of its path, and of that of a certificate or key, ` + "`credential:NAME`" + ` names a
  [credential of systemd](systemd.md#secrets). A secret that all can read or others can write, and a configuration,
  policy, directory of policies, ` + "`state_dir`" + ` or certificate that others can write, or that belongs to neither root nor the daemon's user, causes a warning of
  ` + "`check-config`" + `; ` + "`serve`" + ` does not start, and a reload keeps the old configuration.
* Keys with a single value can also be set in the environment, ` + "`api.socket` as `RINGBACK_API_SOCKET`" + `; the environment takes precedence over the file. Relative paths in it are relative to the
  working directory. A variable ` + "`RINGBACK_…`" + ` that names no key is an error. (In Kubernetes, a service named ` + "`ringback`" + ` creates such variables: set ` + "`enableServiceLinks: false`" + `.)

There are samples in ` + "`testdata/config/`" + `: ` + "`minimal.yaml`, `full.yaml`" + `, and ` + "`isp-fleet.yaml`" + ` for the nodes of a fleet.

## Keys

`

const referenceMiddle = `## Ports

| URL | device | modem signals |
|---|---|---|
| ` + "`serial:///dev/ttyS0?speed=115200&flow=hardware`" + ` | a TTY device | yes |
| ` + "`rfc2217://host:port?speed=115200`" + ` | a serial device behind a Telnet server with COM-PORT-OPTION | yes, if the server reports them |
| ` + "`tcp://host:port`" + ` | a modem over plain TCP | no, only result codes |
| ` + "`rfc2217s://host:port`, `tcps://host:port`" + ` | the same over TLS | as without TLS |
| ` + "`pty:///path`" + ` | a pseudo terminal | no, only result codes |

Two lines on one port, or with one TTY number, are an error.

## Ranges

` + "`tty: 65-70`" + ` defines six lines with the same settings. Their ` + "`port`" + ` is then a template:

| placeholder | stands for |
|---|---|
| ` + "`{tty}`" + ` | the TTY number: 65, 66, … |
| ` + "`{n}`" + ` | the index in the range: 0, 1, … |
| ` + "`{7000+n}`, `{7000+tty}`" + ` | the sum: 7000, 7001, … or 7065, 7066, … |

So ` + "`{tty: 65-70, port: \"rfc2217://console1:{2001+n}\"}`" + ` puts line 65 on port 2001 and line 70 on port 2006.

## Filters

A filter of ` + "`ppp.filters`" + ` has up to three lists of rules: ` + "`in`" + ` for packets from the caller, ` + "`out`" + ` for packets to the caller, ` + "`idle`" + ` for which of both keep the session
from being idle. The first rule that matches decides. If none does, ` + "`in` and `out`" + ` deny the packet, as an IOS access list does, and the packet counts for ` + "`idle`" + `. A list that is absent
passes and counts everything.

| part | values |
|---|---|
| action | ` + "`allow`, `deny`; in `idle`: `count`, `ignore`" + ` |
| protocol | ` + "`ip`, `icmp`, `icmpv6`, `tcp`, `udp`, or a number 1–255" + ` |
| remote (optional) | the host that the caller communicates with and its ports: ` + "`any`, `192.0.2.25`, `192.0.2.0/24`, `[2001:db8::/32]`, with `:25`, `:25,587`, `:1024-2047`, `:>1023`, `:<1024`; `:53`" + ` is any host |
| ` + "`established`" + ` (optional) | TCP: all segments except the first one of a connection |

` + "`allow tcp 192.0.2.25:25`, `allow udp :53`, `deny ip 192.0.2.0/24`, `allow tcp any:>1023 established`, `ignore udp :123`, `ignore 89`" + `. An IPv6 address stands in brackets. A list that names only
what to deny ends with ` + "`allow ip any`" + `. A filter keeps no state, and rejects packets that it cannot judge, such as fragments that could overwrite a header.

A Filter-Id selects all lists of a filter, ` + "`NAME.in` and `NAME.out`" + ` one of them; ` + "`inacl` and `outacl`" + ` select ` + "`in` and `out`" + `. Two filters that give the same list, and a list that a filter does not
have, reject the user: otherwise the caller would be allowed more than AAA intended.

## Policy files

` + "`policies.d/GROUP.yaml`" + ` limits what AAA can grant to a group of users. Nothing that AAA sends widens these limits. Other files in the directory are not read; ` + "`GROUP.yml`" + ` is
an error. A user belongs to

1. the group whose ` + "`users`" + ` list the user; two such groups are an error;
2. otherwise the first of AAA's group hints that has a policy file;
3. otherwise the group whose ` + "`match`" + ` claims the user; two such groups are an error, or the caller is rejected;
4. otherwise the group ` + "`default`" + `;
5. otherwise, if that has no file, the built-in policy: callbacks to fixed numbers of AAA or local users, with a second login, no number from the caller, one attempt. A warning
   reports this at each start.

A file with ` + "`extends: GROUP`" + ` has all values of that group's file except its name, its users and its match, unless it has its own. Mappings are merged key by key; a list replaces the other file's,
or is added to it if its key has a plus sign: ` + "`deny+: [\"855*\"]`" + `. ` + "`ringback policy show GROUP`" + ` prints the resulting values with the file and line of each. The digest of a policy is that of the resulting values.

A number is converted to canonical form first: in numbers of AAA, local users and places, spaces and ` + "`-().`" + ` are dropped and one of ` + "`numbers.trunk_prefixes`" + ` is removed; a caller types digits.
With ` + "`numbers.country`" + ` every source may use every notation, and the canonical form is that of E.164 without ` + "`+`" + `, or an extension: write patterns in this form.
Numbers with other characters are rejected. Then emergency numbers are rejected. Then, of the patterns of ` + "`allow` and `deny`" + `, the matching one with the most digits decides; ` + "`deny`" + ` wins between equals. A
number that no pattern matches is called back if AAA fixed it, and rejected if the caller typed it.

With ` + "`hours`" + ` callbacks are promised at these times only; at others, a user is rejected if AAA requires a callback, and a user of PPP who may request a callback is not offered
one. The time of the promise decides: a callback that was promised in time is dialed, and dialed again, after the end of the hours, and admits the user then. With
` + "`reauthorize: before_dial`" + ` the hours apply right before each dial too. Windows are times of the wall clock in ` + "`zone`" + `: an hour that occurs twice, when clocks are set back, is open twice, and one
that does not exist is not open. If the daemon's clock is set back by up to a day, hours that were over do not begin again until the clock has reached its former time or the daemon is
restarted. ringback has its own copy of the time zone database for machines that have none.

With ` + "`access: {window: required}`" + ` nobody of the group comes in, on either leg, while no access window is open, whatever AAA says. Operators open windows with ` + "`ringback policy open`" + `. A callback that was promised in
a window is not dialed after its end.

With ` + "`no_verify: allow`" + ` the second login can be skipped on a line that has modem signals (or ` + "`insecure_signals`" + `, see [Ports](ports.md#what-each-kind-of-port-can-detect)) and is not
the called line (unless it has ` + "`callback: {same_line_no_verify: true}`" + `). If no such line is in service, the second login is required. A line whose callers can only be called back by the same line is
an error if a policy allows ` + "`no_verify`" + `: a caller that never hangs up would take the call.

`

const referenceConditions = `## Conditions

The elements of ` + "`when`" + ` in a policy file are expressions of CEL, the [Common Expression Language](https://cel.dev). A callback is promised only if all of them are true; otherwise the user is
rejected. They are evaluated when the number is known. Like the hours, they are those of the promise: a callback that was promised is dialed, except if with
` + "`reauthorize: before_dial`" + ` one of them is not true right before the dial. They are not evaluated for users that AAA admits without a callback.

Syntax, names, types and cost are checked when the files are loaded. An expression has at most %d octets, and costs at most %d units of CEL's cost model with the largest values that
its variables can have: texts of 255 octets, 64 groups. With larger values it is not true. There are no other functions and there is no arithmetic. To compare (` + "`== != < <= > >= in`" + `)
` + "`service`, `origin`, `time`, `date` or `weekday`" + ` with a text in quotes that it can never be, such as ` + "`time < \"7:00\"` or `weekday in [\"sunday\"]`" + `, is an error. Quote an expression for YAML,
` + "`'number.startsWith(\"84\")'`" + `, or write each on a line of its own after ` + "`- `" + `.

`

const referenceTariff = `## Tariffs

` + "`tariff.file`" + ` is a price list in one currency. The rate with the longest prefix of a number, in canonical digits, applies; a number without a rate has no price. Prices have a decimal point
and up to six decimals, and are never negative. A prefix given twice is an error. The time that is billed is the connected time, rounded up to the granularity.

A file that ends in ` + "`.csv`" + ` has the keys of a rate, and ` + "`currency`" + `, as its columns; the first line names them, in any order. Lines that begin with ` + "`#`" + ` are comments:

` + "```" + `
prefix,zone,per_minute,per_call,granularity,currency
49,Germany,0.02,0.05,60/60,EUR
4915,Germany mobile,0.1,0.05,60/1,EUR
` + "```" + `

A file that ends in ` + "`.yaml`" + ` has these keys:

`

const referenceTail = `## Reload

"ringback reload", or SIGHUP, reopens log.file (for logrotate) and checks the whole configuration. If there is an error
the old configuration stays in force, and the command and the log name the error. Otherwise each changed
key takes effect as its column *reload* says; the command prints the changed keys:

| reload | effect |
|---|---|
| new calls | the new value applies to later calls, logins and dials; a call in progress keeps the old one |
| immediately | the new value also applies to calls and callbacks in progress |
| restart | the old value stays in force until a restart; the log names the key |

A file that is being written is not applied: the reload reads the configuration and the files that it names
again until none of them has changed for a second. If one still changes after 10 seconds, the reload fails.
A writer that pauses for more than a second is not noticed; to be safe, write another file beside it, and
rename that. A reload that would remove all lines fails; a start without lines is a warning.

A callback that was promised keeps its decision, its number and the forced wait of the called line.
Before its dial only denials of the new policies count. Its next attempt, a wait that has not begun
and its second login use the new values of their lines.

A line is identified by its TTY, not by its place in the file. A reload adds, changes and removes lines
without touching the others. A line that is changed or removed takes no more calls, and finishes its
call or callback first; ` + "`show lines`" + ` says that the change waits, and ` + "`clear line`" + ` ends the call. A
line with the port of another one begins when that one has closed it. A callback that only removed
lines could dial fails. A removed line keeps its method lists and PPP profile for its calls and
callbacks; a reload that also removes these is rejected while there are any.
`
