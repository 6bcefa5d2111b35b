package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ringback/ringback/config"
)

// TestPeerInitAsks: on a terminal, `ringback init` asks for what the flags leave open; secrets are not echoed, and the
// secret of a server goes into a file of its own.
func TestPeerInitAsks(t *testing.T) {
	t.Parallel()
	expect := needs(t, "expect", "expect")
	for name, tt := range map[string]struct {
		script string
		loaded func(*config.Config) bool
	}{
		"local": {`answer "Who authenticates" local
answer "Name of the first user" kim
hidden "Password of the user" pw-of-kim
answer "Number at which" +33140205051
answer "Port of the first modem" tcp://127.0.0.1:1
answer "Country of the site" fr
answer "Ask the modem on" n`, func(c *config.Config) bool { return len(c.Users) == 1 && c.Users[0].Name == "kim" }},
		"radius": {`answer "Who authenticates" radius
answer "Address of the server" 192.0.2.1
hidden "Secret shared" "a secret of 24 octets, or more"
answer "Port of the first modem" tcp://127.0.0.1:1
answer "Country of the site" ""
answer "Ask the modem on" y
answer "Write the line without a profile" y`, func(c *config.Config) bool {
			return len(c.RADIUS.Servers) == 1 && string(c.RADIUS.Servers[0].Secret) == "a secret of 24 octets, or more"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, "ringback.yaml")
			c := exec.CommandContext(t.Context(), expect, "-c", `set timeout 120
proc answer {prompt text} { expect $prompt {} timeout { exit 2 } eof { exit 3 }; send "$text\r" }
proc hidden {prompt text} {
	answer $prompt $text
	expect $text { exit 4 } "\n" {}
}
spawn -noecho ringback init -c `+file+"\n"+tt.script+`
expect "written and checked" {} timeout { exit 5 } eof { exit 6 }
expect eof
exit [lindex [wait] 3]`)
			c.Env = append(os.Environ(), "RINGBACK_STATE_DIR="+filepath.Join(dir, "state"))
			if out, err := c.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if cfg, problems := config.Load(file, nil); cfg == nil || !tt.loaded(cfg) || len(cfg.Lines) != 1 {
				t.Errorf("%v\n%s", problems, readFile(t, file))
			}
		})
	}
}
