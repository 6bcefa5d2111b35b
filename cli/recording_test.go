package cli

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// cast is a recording with a pause of ten seconds, text that would act on a terminal, a gap and an end.
const cast = `{"version": 2, "width": 80, "height": 24}
[1.0, "o", "hello\u001b]0;evil\u0007 \u001b[31mred"]
[11.0, "o", "\u001b[6nmore"]
[11.0, "m", "7 octets are not recorded: \u001b[2Jslow"]
[12.0, "m", "end: caller logged out"]
`

// TestPlay: a recording is played in time, and nothing in it acts on the terminal except colors and the cursor.
func TestPlay(t *testing.T) {
	for _, tt := range []struct {
		speed float64
		idle  time.Duration
		took  time.Duration
	}{{1, 0, 12 * time.Second}, {4, 0, 3 * time.Second}, {1, 2 * time.Second, 4 * time.Second},
		{2, 2 * time.Second, 2 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			var b strings.Builder
			p := player{speed: tt.speed, idle: tt.idle, out: &b}
			begin := time.Now()
			if err := p.play(t.Context(), strings.NewReader(cast)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took != tt.took {
				t.Errorf("speed %v, idle %v: it took %v, want %v", tt.speed, tt.idle, took, tt.took)
			}
			const want = "hello \x1b[31mredmore\x1b[7m[7 octets are not recorded: "
			s := b.String()
			if !strings.HasPrefix(s, want) || strings.Contains(s, "\x1b[2J") || strings.Contains(s, "evil") ||
				!strings.HasSuffix(s, "[end: caller logged out]\r\n") {
				t.Errorf("played %q", s)
			}
		})
	}
}

// TestPlaySpeed: a speed that is none is a usage error, before a daemon is asked.
func TestPlaySpeed(t *testing.T) {
	for _, speed := range []string{"0", "-1", "1001", "NaN", "Inf"} {
		c := newRecordingPlay()
		c.SilenceUsage, c.SilenceErrors = true, true
		c.SetArgs([]string{"abcdefgh", "--speed", speed, "--socket", t.TempDir() + "/none"})
		if err := c.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "must be more than 0") {
			t.Errorf("--speed %s: %v", speed, err)
		}
	}
}

// TestPlayEnds: an operator who stops it, a recording that a crash has cut off and a damaged one leave the terminal as
// it was.
func TestPlayEnds(t *testing.T) {
	whole := strings.SplitAfter(cast, "\n")
	for _, tt := range []struct{ name, in, end, err string }{
		{"stopped", cast, "[stopped]", ""},
		{"cut off", strings.Join(whole[:2], "") + whole[2][:9], "[the recording was cut off]", ""},
		{"damaged", strings.Join(whole[:2], "") + "{}\n", "[the recording is damaged]", "line 3"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			if tt.name == "stopped" {
				time.AfterFunc(5*time.Second, cancel)
			}
			defer cancel()
			var b strings.Builder
			p := player{speed: 1, out: &b}
			err := p.play(ctx, strings.NewReader(tt.in))
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%s: %v", tt.name, err)
			}
			if s := b.String(); !strings.HasSuffix(s, tt.end+"\r\n") || !strings.Contains(s, "red\x1b[0m") {
				t.Errorf("%s: %q", tt.name, s)
			}
		})
	}
}
