package radius

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

var update = flag.Bool("update", false, "update the printed tables of docs/reference/radius.md")

const (
	referenceDoc = "../../docs/reference/radius.md"
	howToDoc     = "../../docs/how-to/freeradius.md"
)

func (f form) String() string {
	return [...]string{"text, one line", "text", "octets", "integer", "address", "IPv6 address", "IPv6 prefix",
		"interface ID", "date"}[f]
}

// dialectTable prints the rows of one vendor: first those that have an effect, then those that are ignored.
func dialectTable(d *dialect) string {
	var b, left strings.Builder
	b.WriteString("| attribute | number | is | fills | rule | source |\n|---|---|---|---|---|---|\n")
	for _, r := range d.rules {
		switch {
		case r.source == "":
			continue
		case r.apply == nil:
			fmt.Fprintf(&left, "| `%s` | %s | %s | | ignored: %s | %s |\n", r.name, d.number(r.n), spelled(r), r.check,
				r.source)
			continue
		}
		is := spelled(r)
		if r.many {
			is += "; may repeat"
		}
		check := r.check
		if r.only != "" {
			check = strings.Trim(check+"; "+string(r.only)+" sessions only", "; ")
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n", r.name, d.number(r.n), is, r.field, check, r.source)
	}
	return b.String() + left.String()
}

func (d *dialect) number(n uint32) string {
	if d.types == 4 {
		return fmt.Sprintf("0x%04x", n)
	}
	return strconv.Itoa(int(n))
}

// spelled returns a rule's form, with the names of its values if there are at most 8.
func spelled(r rule) string {
	s := r.form.String()
	if len(r.enum) == 0 || len(r.enum) > 8 {
		return s
	}
	var all []string
	for _, n := range slices.Sorted(maps.Keys(r.enum)) {
		all = append(all, fmt.Sprintf("%d %s", n, r.enum[n]))
	}
	return s + ": " + strings.Join(all, ", ")
}

func serviceTable() string {
	var b strings.Builder
	b.WriteString("| Service-Type | name | session | callback | privilege level | else |\n|---|---|---|---|---|---|\n")
	for _, s := range serviceTypes {
		call, rest, priv := "no", "", strconv.Itoa(max(1, s.priv))
		if s.callback {
			call = "yes"
		}
		switch {
		case s.refuse != "":
			rest, call, priv = "refused: "+s.refuse, "", ""
		case s.host:
			rest = "the EXEC, or the host of Login-IP-Host"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s |\n", s.n, s.name, strings.ToUpper(string(s.session)), call,
			priv, rest)
	}
	return b.String()
}

// TestReferenceTables compares the tables of supported attributes with the code: `go test ./aaa/radius -run
// ReferenceTables -update` prints them again.
func TestReferenceTables(t *testing.T) {
	doc := readDoc(t, referenceDoc)
	want := doc
	tables := map[string]string{"service types": serviceTable()}
	for _, d := range dialects {
		tables[d.name] = dialectTable(d)
	}
	for name, table := range tables {
		head, rest, ok := strings.Cut(want, "<!-- table: "+name+" -->\n")
		_, tail, ends := strings.Cut(rest, "<!-- end of the table -->")
		if !ok || !ends {
			t.Fatalf("%s has no place for the table %q", referenceDoc, name)
		}
		want = head + "<!-- table: " + name + " -->\n" + table + "<!-- end of the table -->" + tail
	}
	switch {
	case want == doc:
	case *update:
		if err := os.WriteFile(referenceDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: go test ./aaa/radius -run ReferenceTables -update, then read the diff", referenceDoc)
	}
}

// TestReferenceSent compares the lists of sent attributes with real packets: each attribute of a full request has a
// row, and there are no other rows.
func TestReferenceSent(t *testing.T) {
	doc := readDoc(t, referenceDoc)
	local := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.9:1024"))
	asked := newBuilder()
	asked.access(Config{NASIdentifier: "maui"}, aaa.Request{Service: aaa.PPP, User: "u", TTY: 65, Caller: "1",
		Called: "2", Connect: "CONNECT", CallID: "c"}, false, local)
	c := Client{cfg: Config{Name: "radius", NASIdentifier: "maui"}}
	accounted := newBuilder()
	err := c.record(accounted, aaa.Record{Type: aaa.Stop, Time: time.Unix(1, 0), SessionID: "s", MultiSessionID: "m",
		User: "u", TTY: 65, Service: aaa.PPP, ServiceType: 2,
		Caller: "1", Called: "2", Connect: "CONNECT", Class: [][]byte{{1}}, CallbackNumber: "84001",
		SessionTime: time.Second, OctetsIn: 1 << 33, OctetsOut: 1 << 33, Cause: 16,
		FramedAddress: netip.MustParseAddr("10.8.0.10"), FramedInterfaceID: "0:0:0:9",
		FramedPrefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::/64")}}, local, 1)
	if err := errors.Join(asked.err, err); err != nil {
		t.Fatal(err)
	}
	for title, attrs := range map[string][]string{
		"Access-Request":     append(names(asked.attrs), "Message-Authenticator", "User-Password", "State"),
		"Accounting-Request": names(accounted.attrs),
	} {
		if got := rowsUnder(doc, "### "+title); !slices.Equal(got, sorted(attrs)) {
			t.Errorf("%s, %s: the rows are\n%q, the attributes of the packet are\n%q", referenceDoc, title, got,
				sorted(attrs))
		}
	}
}

func names(attrs radius.Attributes) (all []string) {
	for _, a := range attrs {
		all = append(all, rfc.byType[uint32(a.Type)].name)
	}
	return all
}

func sorted(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// rowsUnder returns the first backquoted name of each table row under a heading.
func rowsUnder(doc, heading string) []string {
	_, rest, _ := strings.Cut(doc, heading+"\n")
	rest, _, _ = strings.Cut(rest, "\n#")
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(rest, -1) {
		all = append(all, m[1])
	}
	return sorted(all)
}

// The lines that the client's error suggests are also in the how-to.
func TestHowToHasTheHint(t *testing.T) {
	flat := strings.Join(strings.Fields(readDoc(t, howToDoc)), " ")
	const lines = "update reply { &Message-Authenticator := 0x00 }"
	if n := strings.Count(flat, lines); n < 3 || !strings.Contains(freeradiusLines, lines) {
		t.Errorf("%s has %q %d times; it must be in post-auth, REJECT and Challenge", howToDoc, lines, n)
	}
}

func readDoc(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
