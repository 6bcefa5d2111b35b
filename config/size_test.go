package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// BenchmarkLoad reads a configuration with 2,000 lines: as entries of their own, like those of scripts/bench, and as
// two ranges.
func BenchmarkLoad(b *testing.B) {
	const top = `chat_scripts:
  - {name: rtp, script: 'ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c'}
exec: {callback: true}
aaa: {lists: {login: {default: [local]}}}
users: [{name: u0, password_file: password, callback: {dialstring: "84000"}}]
lines:
`
	const rest = "rotary: 1, callback: {forced_wait: 0s}, timing: {dtr_low: 1ms, drain: 1ms, guard: 1ms, " +
		"silence: 20ms, settle: 1ms, command_gap: 1ms}}\n"
	const policy = "group: default\ncallback: optional\nnumbers: {allow: [\"84*\"]}\n"
	const in, out = "modem: callin, ", "modem: callout, scripts: {callback: rtp}, "
	var entries strings.Builder
	for tty := 1; tty <= 2000; tty++ {
		kind := in
		if tty > 1000 {
			kind = out
		}
		fmt.Fprintf(&entries, "  - {tty: %d, port: \"rfc2217://127.0.0.1:%d\", %s%s", tty, 10000+tty, kind, rest)
	}
	ranges := "  - {tty: 1-1000, port: \"rfc2217://127.0.0.1:{10000+n}\", " + in + rest +
		"  - {tty: 1001-2000, port: \"rfc2217://127.0.0.1:{20000+n}\", " + out + rest
	for name, lines := range map[string]string{"entries": entries.String(), "ranges": ranges} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			path := filepath.Join(dir, "ringback.yaml")
			policies := filepath.Join(dir, "policies.d")
			if err := os.Mkdir(policies, 0o700); err != nil {
				b.Fatal(err)
			}
			for name, text := range map[string]string{
				path:                                    top + lines,
				filepath.Join(dir, "password"):          "pw1",
				filepath.Join(policies, "default.yaml"): policy,
			} {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if cfg, problems := Load(path, nil); cfg == nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
