package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

// bank is a daemon with three lines in one rotary and two callbacks that wait.
type bank struct {
	api.Daemon
	busyout map[int]client.Busyout
}

func (bank) Lockdown() client.Lockdown { return client.Lockdown{OnDisk: true} }

func (d bank) Lines() []client.Line {
	all := []client.Line{{TTY: 65, State: "in call"}, {TTY: 66, State: "idle"}}
	for i, l := range all {
		if b, ok := d.busyout[l.TTY]; ok {
			all[i].Busyout = &b
		}
	}
	return all
}

func (d bank) BusyOutLine(_ context.Context, tty int, reason string) error {
	d.busyout[tty] = client.Busyout{By: "uid 0", Reason: reason}
	return nil
}

func (d bank) RestoreLine(_ context.Context, tty int) error {
	if _, ok := d.busyout[tty]; !ok {
		return fmt.Errorf("line %d is not busied out", tty)
	}
	delete(d.busyout, tty)
	return nil
}

func (bank) StartChat(_ context.Context, tty int, script, number string) (client.ChatRun, error) {
	run := client.ChatRun{Line: tty, Script: "setup", Transcript: []string{"   0.000s sent AT\x1b[2J"}}
	switch {
	case tty != 65:
		return run, fmt.Errorf("line %d is already in use: in call", tty)
	case number == "84010":
		run.Number, run.Result, run.Error = number, "busy", "start-chat: dial 84010 on tty65: busy"
	case number != "":
		run.Number, run.Result, run.Connect = number, "connected", "CONNECT 33600\x1b[2J"
	case script == "wrong":
		run.Error = "start-chat on tty65: the modem said ERROR"
	}
	return run, nil
}

func (bank) ClearCounters(_ context.Context, ttys ...int) (int, error) {
	switch {
	case len(ttys) == 0:
		return 3, nil
	case ttys[0] != 65:
		return 0, fmt.Errorf("there is no line %d", ttys[0])
	}
	return 1, nil
}

func (bank) ActiveCalls(q client.CallQuery) []client.Call {
	start := time.Date(2020, 11, 29, 10, 0, 0, 0, time.Local)
	end := start.Add(time.Hour + 65*time.Second)
	all := []client.Call{
		{ID: "c1", TTY: 65, Direction: "incoming", Caller: "84001", Called: "55555", User: "austin-01", Service: "exec",
			Leg: 1, Callback: "abc", Speed: 33600, Connect: "CONNECT 33600/V34", Start: start, Ended: &end,
			Seconds: 3665, Cause: "callback promised\x1b[2J", TerminateCause: 16, OctetsIn: 12, OctetsOut: 3456},
		{ID: "c2", TTY: 66, Direction: "outgoing", Called: "84001", Leg: 2, Callback: "abc", Start: start, Seconds: 5},
		{ID: "c3", TTY: 67, Direction: "incoming", Start: start, Seconds: 9.9, Cause: "lost carrier"},
	}
	return slices.DeleteFunc(all, func(c client.Call) bool { return q.Line != 0 && c.TTY != q.Line })
}

func (d bank) CallHistory(_ context.Context, q client.CallQuery) ([]client.Call, client.CallsLeftOut, error) {
	if q.User == "nobody" {
		return []client.Call{}, client.CallsLeftOut{}, nil
	}
	return d.ActiveCalls(q), client.CallsLeftOut{Older: q.Last == 20, Damaged: 1}, nil
}

func (bank) Modems() []client.Modem {
	return []client.Modem{
		{TTY: 65, State: "idle", Profile: "rockwell", Init: "ATE0Q0V1", Answer: "ATA", ErrorCorrection: `AT\N3`,
			CallerID: "AT#CID=1", CallerIDOrder: "after_first_ring",
			Verify:      []client.Register{{Register: 7, Value: 60}},
			ResultCodes: []client.ResultCode{{Text: "RRING", Means: "progress"}},
			Notices:     []string{"no caller ID: the modem answered ERROR to AT#CID=1"}},
		{TTY: 66, State: "down", Profile: "generic", Answer: "ATA", InBand: true, ProofRegisters: []int{18, 25}},
	}
}

func (bank) Rotaries() []client.Rotary {
	return []client.Rotary{{Rotary: 1, Hunt: "round_robin", Queue: []string{"abc", "def"}, Lines: []client.RotaryLine{
		{TTY: 65, Modem: "inout", State: "in call", Leases: 7}, {TTY: 66, Modem: "inout", State: "busyout"},
		{TTY: 67, Modem: "callout", State: "quarantined"}, {TTY: 68, Modem: "inout", State: "idle"}}}}
}

func (bank) Queue() []client.Queued {
	one := 1
	since := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	return []client.Queued{
		{Role: "administrator", Callback: "kim over telnet", User: "kim", Rotary: &one, Since: since},
		{Role: "callback", Callback: "abc", User: "austin-01", Number: "84001", Rotary: &one, Called: 65, Since: since},
		{Callback: "def", User: "austin\x1b[2J", Number: "84002", Lines: []int{66, 67}, Called: 65, Since: since},
		{Callback: "ghi", User: "kihei-03", Number: "84003", Lines: []int{1, 2, 3, 4, 5}, Called: 65, Since: since},
		{Callback: "jkl", User: "kihei-04", Number: "84004", Called: 70, Since: since},
		{Callback: "mno", User: "kihei-05", Number: "84005", Rotary: &one, Called: 70, Probed: 71, Since: since},
	}
}

// TestLineCommands: the orders for lines, what shows them, and the mistakes.
func TestLineCommands(t *testing.T) {
	socket := served(t, bank{busyout: map[int]client.Busyout{}})
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"line busyout 65 --reason storm", []string{"line 65 takes no more calls\n"}},
		{"show lines", []string{"takes no more calls, by uid 0: storm"}},
		{"show line 65", []string{"busyout      takes no more calls, by uid 0: storm"}},
		{"show line 65 -o json", []string{`"by": "uid 0"`}},
		{"line restore 65", []string{"line 65 takes calls\n"}},
		{"line restore 65", []string{"error: line 65 is not busied out\n"}},
		{"start-chat ^setup$ 65", []string{"0.000s sent AT", "chat script setup succeeded on line 65\n"}},
		{"start-chat wrong 65", []string{"0.000s sent AT", "error: start-chat on tty65: the modem said ERROR\n"}},
		{"start-chat wrong 65 -o json", []string{`"error": "start-chat on tty65: the modem said ERROR"`, "error: "}},
		{"start-chat setup 65 --number 84001", []string{"0.000s sent AT",
			"chat script setup dialed 84001 on line 65: CONNECT 33600[2J; the call is hung up\n"}},
		{"start-chat setup 65 --number 84010", []string{"error: start-chat: dial 84010 on tty65: busy\n"}},
		{"start-chat setup 65 --number 84010 -o json", []string{`"number": "84010"`, `"result": "busy"`, "error: "}},
		{"start-chat setup 65 --number=", []string{"error: start-chat: --number is empty"}},
		{"start-chat setup 66", []string{"error: line 66 is already in use: in call\n"}},
		{"start-chat setup", []string{"error: "}},
		{"start-chat setup x", []string{`error: start-chat: "x": a line is a TTY number`}},
		{"clear counters 65", []string{"counters of line 65 cleared\n"}},
		{"clear counters", []string{"counters of 3 lines cleared\n"}},
		{"clear counters 7", []string{"error: there is no line 7\n"}},
		{"clear counters all", []string{`error: clear counters: "all": a line is a TTY number`}},
		{"show call active", []string{
			"65  in   austin-01  84001   exec     2020-11-29 10:00  1:01:05\n     callback abc: callback promised[2J\n",
			"66  out  -          84001   -        2020-11-29 10:00  0:00:05\n     callback abc\n",
			"67  in   -          -       -        2020-11-29 10:00  0:00:09\n     lost carrier\n"}},
		{"show call active --line 67 -o json", []string{"[\n  {\n    \"id\": \"c3\"", `"cause": "lost carrier"`}},
		{"show call active -o wide", []string{"33600  12  3456  abc         1  84001   55555   CONNECT 33600/V34  c1"}},
		{"show call active --line -1", []string{"error: show call active: --line -1: a line is a TTY number"}},
		{"show call history", []string{"… 1 damaged one is not shown: ringback journal check\n" +
			"… there are older ones: ringback show call history --last N (or --since TIME)\n"}},
		{"show call history --last 7 -o json", []string{"… 1 damaged one is", `"terminate_cause": 16`}},
		{"show call history --user nobody -o json", []string{"[]\n"}},
		{"show call history --last 0", []string{"error: show call history: --last 0: must be 1 to 10000"}},
		{"show call history --since x", []string{`error: show call history: --since "x": give a time`}},
		{"line busyout x", []string{`error: line busyout: "x": a line is a TTY number`}},
		{"line restore -1", []string{"error: "}},
		{"line busyout", []string{"error: "}},
		{"show modem", []string{"65   idle   rockwell  AT#CID=1   DTR and DCD\n", "no caller ID: the modem answered",
			"66   down   generic   off        S18 S25\n"}},
		{"show modem 65", []string{"modem of line 65: idle\n", "  notice           no caller ID", `AT\N3`,
			"AT#CID=1, after first ring\n", "  verified         S7=60\n", "  text             RRING means progress\n"}},
		{"show modem 66 -o json", []string{`"proof_registers": [`, `"in_band": true`}},
		{"show modem 67", []string{"error: there is no line 67"}},
		{"show modem x", []string{`error: show modem: "x": a line is a TTY number`}},
		{"show rotary", []string{"Waiting\n   1  round_robin      4     1       1    1        1        2\n"}},
		{"show rotary 1", []string{"rotary 1: hunt round_robin\n", " 65  inout    in call           7\n",
			"waiting: abc, def\n"}},
		{"show rotary 1 -o json", []string{`"hunt": "round_robin"`, `"leases": 7`}},
		{"show rotary 2", []string{"error: no line is in rotary 2: `ringback show rotary` lists the rotaries\n"}},
		{"show rotary one", []string{`error: show rotary: "one": a rotary is a number`}},
		{"show queue", []string{"    1  administrator  kim over telnet  kim                rotary 1 ",
			"    2  callback       abc              austin-01  84001   rotary 1 ", "tty 66, 67", "one of 5 lines",
			"tty 70", "modem of tty 71"}},
		{"show queue -o json", []string{`"callback": "abc"`, `"rotary": 1`}},
	} {
		got := command(t, append(strings.Fields(tt.args), "--socket", socket)...)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tt.args, want, got)
			}
		}
		if strings.Contains(got, "\x1b") {
			t.Errorf("%s: printed\n%q", tt.args, got)
		}
	}
}

// TestStartChatOfNoName: an empty pattern is a mistake on the command line, and is not sent to the daemon.
func TestStartChatOfNoName(t *testing.T) {
	got := command(t, "start-chat", "", "66", "--socket", "/nonexistent")
	if want := "error: start-chat: REGEXP is empty: it must match the name of a chat script"; !strings.Contains(got,
		want) {
		t.Errorf("%q, want %q", got, want)
	}
}
