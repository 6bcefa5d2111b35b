package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

func TestLogLevel(t *testing.T) {
	var asked string
	state := client.LogLevel{Level: "info", Configured: "info"}
	socket := servedBy(t, &api.Server{LogLevel: func() client.LogLevel { return state },
		SetLogLevel: func(level string, length time.Duration, by string) (client.LogLevel, error) {
			if level == "error" {
				return client.LogLevel{}, errors.New("not now")
			}
			asked = fmt.Sprint(level, " ", length)
			state = client.LogLevel{Level: level, Configured: "info"}
			if level == "" {
				state.Level = "info"
			}
			if length > 0 {
				until := time.Date(2026, 11, 29, 18, 49, 24, 0, time.Local)
				state.Until = &until
			}
			return state, nil
		}})
	const nameIt = "error: log level: --for: name the level that is to be in force (example: debug --for 10m)\n"
	for _, tt := range []struct{ args, asked, want string }{
		{"", "", "info\n"},
		{"debug --for 10m", "debug 10m0s", "debug until 2026-11-29 18:49:24, then info\n"},
		{"warn", "warn 0s", "warn until the next start, then info\n"},
		{"default", " 0s", "info\n"},
		{"debug -o json", "debug 0s", "{\n  \"level\": \"debug\",\n  \"configured\": \"info\"\n}\n"},
		{"error", "", "error: not now\n"},
		{"verbose", "", "error: log level: \"verbose\" is not one of debug, info, warn, error, default\n"},
		{"debug --for -1m", "", "error: log level: --for: -1m0s is not a duration (example: 10m)\n"},
		{"debug --for 0s", "", "error: log level: --for: 0s is not a duration (example: 10m)\n"},
		{"default --for 1m", "", nameIt}, {"--for 1m", "", nameIt},
		{"debug --for 169h", "", "error: \"169h0m0s\" is not a duration of up to 168h0m0s (example: 10m)\n"},
	} {
		asked = ""
		got := command(t, append([]string{"log", "level", "--socket", socket}, strings.Fields(tt.args)...)...)
		if asked != tt.asked || got != tt.want {
			t.Errorf("%q: asked %q, printed %q, want %q", tt.args, asked, got, tt.want)
		}
	}
	got := command(t, "log", "level", "--socket", servedBy(t, &api.Server{}))
	if want := "error: this daemon has no log level\n"; got != want {
		t.Errorf("without a level: %q, want %q", got, want)
	}
}
