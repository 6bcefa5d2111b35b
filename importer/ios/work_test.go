package ios

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ringback/ringback/importer/importtest"
)

// crowded is a text with n of what large routers have many of, each with settings of its own.
func crowded(n int) string {
	var b strings.Builder
	b.WriteString("version 12.1\nservice exec-callback\naaa new-model\n")
	for i := range n {
		fmt.Fprintf(&b, "interface Async%d\n ip address 10.2.%d.%d 255.255.255.0\n encapsulation ppp\n"+
			" peer default ip address 10.1.%d.%d\n ppp callback accept\n", i+1, i/250, i%250+1, i/250, i%250+1)
		fmt.Fprintf(&b, "ip local pool p%d 10.1.%d.%d\n", i, i/250, i%250+1)
		fmt.Fprintf(&b, "interface Group-Async%d\n group-range %d 2000\n", i+1, i+1)
		fmt.Fprintf(&b, "username u%d callback-dialstring 8400%d nocallback-verify callback-line 1 20 password 0 x\n",
			i, i)
	}
	b.WriteString("line 1 2000\n modem InOut\n script callback nosuch\nend\n")
	return b.String()
}

// TestLinearWork: twice the text takes about twice the work, also where check-config reads the result.
func TestLinearWork(t *testing.T) {
	work := func(n int) float64 {
		text := []byte(crowded(n))
		return testing.AllocsPerRun(1, func() {
			site, _, err := Import(text, Options{})
			if err != nil {
				t.Fatal(err)
			}
			importtest.Load(t, site)
		})
	}
	small, large := work(100), work(200)
	if large > 2.5*small {
		t.Errorf("%.0f allocations for a text, %.0f for one of twice its size", small, large)
	}
}

// TestWarningsEnd: a row about thousands of lines has warnings that a person can read.
func TestWarningsEnd(t *testing.T) {
	_, r, err := Import([]byte(strings.Replace(crowded(600), "modem InOut", "modem InOut\n flowcontrol software", 1)),
		Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range r.Rows {
		if len(row.Warn) > 5000 || strings.Count(row.Warn, "same_line_no_verify") > 1 {
			t.Fatalf("line %d (%s): %d octets of warnings: %.300s", row.Line, row.Text, len(row.Warn), row.Warn)
		}
	}
}

// TestTooMuch: what no router has so many of is an error that says so.
func TestTooMuch(t *testing.T) {
	many := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(format, "#", itoa(i+1)) + "\n")
		}
		return "version 12.0\naaa new-model\n" + b.String() + "end\n"
	}
	for format, want := range map[string]string{
		"line # 9000\n modem InOut":                                "more than 64 ranges",
		`chat-script s# "" "ATDT\T" CONNECT`:                       "more than 500 scripts",
		"radius-server host 192.0.2.1 auth-port # key x":           "more than 500 servers",
		"radius server s#":                                         "more than 500 servers",
		"aaa group server radius g#":                               "more than 500 groups of servers",
		"aaa authentication login l# local":                        "more than 500 lists",
		"username u# callback-line 1 9999 password 0 x":            "more than 1048576 lines",
		"aaa authentication login a" + strings.Repeat(" none", 17): "more methods",
	} {
		if _, _, err := Import([]byte(many(501, format)), Options{}); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", format, err, want)
		}
	}
}
