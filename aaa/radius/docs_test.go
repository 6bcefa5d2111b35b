package radius

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

var update = flag.Bool("update", false, "write the printed tables of docs/reference/radius.md anew")

const (
	referenceDoc = "../../docs/reference/radius.md"
	howToDoc     = "../../docs/how-to/freeradius.md"
	howToFiles   = "../../testdata/peers/freeradius/howto/"
)

func (f form) String() string {
	return [...]string{"text, one line", "text", "octets", "integer"}[f]
}

func attributeTable() string {
	var b strings.Builder
	b.WriteString("| attribute | is | fills | rule | source |\n|---|---|---|---|---|\n")
	for _, r := range attributes {
		is := r.form.String()
		if r.many {
			is += "; may repeat"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.name, is, r.field, r.check, r.source)
	}
	return b.String()
}

func serviceTable() string {
	var b strings.Builder
	b.WriteString("| Service-Type | name | callback | privilege level | else |\n|---|---|---|---|---|\n")
	for _, s := range serviceTypes {
		call, rest := "no", ""
		if s.callback {
			call = "yes"
		}
		switch {
		case s.refuse != "":
			rest = "refused: " + s.refuse
		case s.host:
			rest = "the EXEC; refused where Login-IP-Host comes with it"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %d | %s |\n", s.n, s.name, call, max(1, s.priv), rest)
	}
	return b.String()
}

func pairTable() string {
	var b strings.Builder
	b.WriteString("| pair | fills | rule | source |\n|---|---|---|---|\n")
	for _, p := range pairs {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.name, p.field, p.check, p.source)
	}
	return b.String()
}

// TestReferenceTables holds the tables of what is understood to the code's: `go test ./aaa/radius -run ReferenceTables -update` prints them anew.
func TestReferenceTables(t *testing.T) {
	doc := readDoc(t, referenceDoc)
	want := doc
	for name, table := range map[string]string{"attributes": attributeTable(), "service types": serviceTable(), "pairs": pairTable()} {
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

// TestReferenceSent holds the lists of what is sent to the packets themselves: each attribute of a full request has its row, and no row
// is of another.
func TestReferenceSent(t *testing.T) {
	doc := readDoc(t, referenceDoc)
	local := net.UDPAddrFromAddrPort(netip.MustParseAddrPort("192.0.2.9:1024"))
	asked, err := accessAttributes(Config{NASIdentifier: "maui"}, aaa.Request{Service: aaa.EXEC, User: "u", TTY: 65, Caller: "1", Called: "2", Connect: "CONNECT", CallID: "c"}, local)
	if err != nil {
		t.Fatal(err)
	}
	c := Client{cfg: Config{Name: "radius", NASIdentifier: "maui"}}
	accounted, err := c.record(aaa.Record{Type: aaa.Stop, Time: time.Unix(1, 0), SessionID: "s", MultiSessionID: "m", User: "u", TTY: 65, Service: aaa.EXEC, ServiceType: 9,
		Caller: "1", Called: "2", Connect: "CONNECT", Class: [][]byte{{1}}, CallbackNumber: "84001", SessionTime: time.Second, OctetsIn: 1 << 33, OctetsOut: 1 << 33, Cause: 16}, local, 1)
	if err != nil {
		t.Fatal(err)
	}
	for title, attrs := range map[string][]string{
		"Access-Request":     append(names(asked), "Message-Authenticator", "User-Password", "State"),
		"Accounting-Request": names(accounted),
	} {
		if got := rowsUnder(doc, "### "+title); !slices.Equal(got, sorted(attrs)) {
			t.Errorf("%s, %s: the rows are\n%q, the packet has\n%q", referenceDoc, title, got, sorted(attrs))
		}
	}
}

func names(attrs radius.Attributes) (all []string) {
	for _, a := range attrs {
		all = append(all, faces[a.Type].name)
	}
	return all
}

func sorted(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// rowsUnder returns the first names in backquotes of the table rows under a heading.
func rowsUnder(doc, heading string) []string {
	_, rest, _ := strings.Cut(doc, heading+"\n")
	rest, _, _ = strings.Cut(rest, "\n#")
	var all []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)`").FindAllStringSubmatch(rest, -1) {
		all = append(all, m[1])
	}
	return sorted(all)
}

// TestHowToFiles holds the how-to to the files with which TestPeerFreeRADIUSHowTo starts a FreeRADIUS: it quotes each of them whole.
func TestHowToFiles(t *testing.T) {
	doc := readDoc(t, howToDoc)
	entries, err := os.ReadDir(howToFiles)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(doc, "\n"+readDoc(t, howToFiles+e.Name())+"```\n") {
			t.Errorf("%s does not quote %s%s as it is", howToDoc, howToFiles, e.Name())
		}
	}
	if len(entries) < 3 {
		t.Errorf("%d files in %s", len(entries), howToFiles)
	}
}

// The line that the client's error tells people to write is in the how-to too.
func TestHowToHasTheHint(t *testing.T) {
	flat := strings.Join(strings.Fields(readDoc(t, howToDoc)), " ")
	const lines = "update reply { &Message-Authenticator := 0x00 }"
	if n := strings.Count(flat, lines); n < 3 || !strings.Contains(freeradiusLines, lines) {
		t.Errorf("%s has %q %d times, not in post-auth, REJECT and Challenge", howToDoc, lines, n)
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
