package ppp

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
)

// TestClients plays conversations with the clients that the field has; testdata/clients/README.md has their language.
func TestClients(t *testing.T) {
	files, err := filepath.Glob("testdata/clients/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c := &conversation{t: t, requests: map[uint16][]byte{}}
			for number, line := range strings.Split(string(text), "\n") {
				if line != "" && line[0] != '#' {
					c.line = number + 1
					c.play(line)
				}
			}
			c.take()
			for _, f := range c.waiting {
				t.Errorf("%s: not expected: %04x % x", file, f.Protocol, f.Info)
			}
		})
	}
}

// conversation is a conversation with a client that is being played.
type conversation struct {
	t        *testing.T
	line     int
	driver   *driver // nil until the first frame
	without  bool    // callback
	settle   func(aaa.Result) Settlement
	taken    int               // of the driver's frames
	waiting  []ppptest.Frame   // of ours, not yet expected
	requests map[uint16][]byte // our last request (code 1) in a protocol
}

func (c *conversation) play(line string) {
	c.t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch line {
	case "without callback":
		c.without = true
		return
	case "offer user":
		c.settle = offer(false)
		return
	case "offer optional":
		c.settle = func(aaa.Result) Settlement {
			return Settlement{Accepted: true, Decision: Decision{Kind: Offered, MayDecline: true}}
		}
		return
	}
	if c.driver == nil {
		c.begin()
	}
	switch word {
	case ">":
		protocol, octets, _ := strings.Cut(rest, " ")
		c.send(c.protocol(protocol), octets)
	case "<":
		c.expect(rest)
	case "ack":
		p := c.protocol(rest)
		c.driver.write(ppptest.Frame{Protocol: p, Info: append([]byte{2}, c.requests[p][1:]...)})
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			c.fail("%v", err)
		}
		c.driver.pass(d)
	case "ip":
		if c.take(); !c.driver.open[IPv4] || len(c.waiting) > 0 {
			c.fail("IPv4 open: %v; waiting: %v", c.driver.open[IPv4], c.waiting)
		}
	case "end":
		if got := c.driver.ended(); !strings.HasPrefix(got, rest) {
			c.fail("ended: %s", got)
		}
	default:
		c.fail("unknown word %q", word)
	}
}

func (c *conversation) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Fatalf("line %d: %s", c.line, fmt.Sprintf(format, args...))
}

func (c *conversation) begin() {
	cfg := settings()
	cfg.Auth = []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP}
	if c.without {
		cfg.CBCP, cfg.RFC1570 = false, false
	}
	c.driver = newDriver(c.t, cfg, nil)
	if c.settle != nil {
		c.driver.settle = c.settle
	}
	c.driver.aaa = func(f Effect) aaa.Result {
		r := grant(f)
		r.Success = "S=407A5589115FD0D6209F510FE9C04566932CDA56"
		return r
	}
	c.driver.carry(c.driver.engine.Start())
}

func (c *conversation) protocol(text string) uint16 {
	c.t.Helper()
	n, err := strconv.ParseUint(text, 16, 16)
	if err != nil {
		c.fail("%v", err)
	}
	return uint16(n)
}

func (c *conversation) send(protocol uint16, octets string) {
	c.t.Helper()
	c.take()
	if r := c.requests[protocol]; r != nil {
		octets = strings.ReplaceAll(octets, "id", fmt.Sprintf("%02x", r[1]))
	}
	info, err := hex.DecodeString(strings.ReplaceAll(octets, " ", ""))
	if err != nil {
		c.fail("%v", err)
	}
	c.driver.write(ppptest.Frame{Protocol: protocol, Info: info})
}

// take takes what the engine has sent.
func (c *conversation) take() {
	c.driver.flush()
	for _, f := range c.driver.sent[c.taken:] {
		c.taken++
		c.waiting = append(c.waiting, f)
		if f.Info[0] == 1 {
			c.requests[f.Protocol] = f.Info
		}
	}
}

// expect compares our next frame with a pattern.
func (c *conversation) expect(pattern string) {
	c.t.Helper()
	c.take()
	if len(c.waiting) == 0 {
		c.fail("nothing was sent; %s", c.driver.ended())
	}
	f := c.waiting[0]
	c.waiting = c.waiting[1:]
	want := strings.ReplaceAll(pattern, " ", "")
	got := fmt.Sprintf("%04x%x", f.Protocol, f.Info)
	if head, ok := strings.CutSuffix(want, "*"); ok && len(got) >= len(head) {
		want, got = head, got[:len(head)]
	}
	ok := len(want) == len(got)
	for i := 0; ok && i < len(want); i++ {
		ok = want[i] == got[i] || want[i] == '.'
	}
	if !ok {
		c.fail("got  %04x % x, want %s", f.Protocol, f.Info, pattern)
	}
}
