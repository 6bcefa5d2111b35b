package policies

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// TestArrange: IOS's orders. The others follow in turn.
func TestArrange(t *testing.T) {
	n := func(s string) (n numbers.Number) {
		if s != "" {
			var err error
			if n, err = numbers.Reread(s); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	for _, tt := range []struct {
		order             Order
		dialed, connected string
		list              string
		want              string
	}{
		{"", "84001", "84002", "84001 84002 84003", "84001 84002 84003"},
		{Sequential, "84001", "84002", "84001 84002 84003", "84001 84002 84003"},
		{RoundRobin, "", "", "84001 84002 84003", "84001 84002 84003"},
		{RoundRobin, "84001", "84003", "84001 84002 84003", "84002 84003 84001"},
		{RoundRobin, "84002", "", "84001 84002 84003", "84003 84001 84002"},
		{RoundRobin, "84003", "84001", "84001 84002 84003", "84001 84002 84003"},
		{RoundRobin, "84009", "", "84001 84002 84003", "84001 84002 84003"}, // AAA gives it no longer
		{RoundRobin, "84001", "", "84001", "84001"},
		{LastSuccessful, "", "", "84001 84002 84003", "84001 84002 84003"},
		{LastSuccessful, "84001", "", "84001 84002 84003", "84001 84002 84003"},
		{LastSuccessful, "84001", "84002", "84001 84002 84003", "84002 84003 84001"},
		{LastSuccessful, "84001", "84003", "84001 84002 84003", "84003 84001 84002"},
		{LastSuccessful, "84001", "84009", "84001 84002 84003", "84001 84002 84003"},
		{LastSuccessful, "", "84002", "", ""},
		{RoundRobin, "84002", "", "", ""},
	} {
		var list []numbers.Number
		for _, s := range strings.Fields(tt.list) {
			list = append(list, n(s))
		}
		got := fmt.Sprint(tt.order.Arrange(list, Last{n(tt.dialed), n(tt.connected)}))
		if got != "["+tt.want+"]" {
			t.Errorf("%s, dialed %q, connected %q: %s, want %s", tt.order, tt.dialed, tt.connected, got, tt.want)
		}
	}
}

const inOrder = "group: default\nattempts:\n  order: round_robin\n  max: 4\n  busy: {number: same, wait: 1m}\n" +
	"  no_answer: {number: next}\n"

// The keys, the trace and the JSON of a stored decision have the order, and which number follows a cause.
func TestOrderOfNumbers(t *testing.T) {
	p, problems := Parse("default.yaml", []byte(inOrder))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if p.Attempts.Order != RoundRobin || !p.Attempts.After[Busy].SameNumber || p.Attempts.After[NoAnswer] != (Retry{}) {
		t.Errorf("%+v", p.Attempts)
	}
	d, trace := mustServe(t, site, p).Evaluate(Request{Identity: aaa.Identity{User: "kim"},
		Auth: several("84001", "84002"), Service: aaa.EXEC})
	const input = "max 4, retry_wait 30s, order round_robin, busy {wait: 1m0s, number: same}"
	if !strings.Contains(trace.String(), input) {
		t.Errorf("%s", trace)
	}
	text, err := json.Marshal(d.Attempts)
	const want = `{"max":4,"retry_wait":"30s","after":{"busy":{"wait":"1m0s","same_number":true}},"order":"round_robin"}`
	if string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	var back Attempts
	if err := json.Unmarshal(text, &back); err != nil || back != d.Attempts {
		t.Errorf("%+v, %v", back, err)
	}
	// A pending callback keeps what was promised.
	sequential, _ := Parse("default.yaml", []byte("group: default\nattempts: {order: sequential, max: 4}\n"))
	if sequential.Attempts.Order != "" {
		t.Errorf("sequential is %q", sequential.Attempts.Order)
	}
	now, _ := mustServe(t, site, sequential).Evaluate(Request{Identity: aaa.Identity{User: "kim"},
		Auth: several("84001", "84002"), Service: aaa.EXEC, Leg: 2, Promised: &d})
	if now.Outcome != CallBack || now.Attempts.Order != RoundRobin || !now.Attempts.After[Busy].SameNumber {
		t.Errorf("%+v", now)
	}
}

func TestBadOrder(t *testing.T) {
	for text, want := range map[string]string{
		"attempts: {order: round-robin}":               "attempts.order",
		"attempts: {order: random}":                    "attempts.order",
		"attempts: {busy: {number: other}}":            "attempts.busy.number",
		"attempts: {busy: {retry: no, number: same}}":  "has no effect: retry is no",
		"attempts: {voice: {retry: no, number: next}}": "has no effect: retry is no",
	} {
		_, problems := Parse("default.yaml", []byte("group: default\n"+text+"\n"))
		if len(problems) != 1 || !strings.Contains(problems[0].String(), want) {
			t.Errorf("%s: %v", text, problems)
		}
	}
}
