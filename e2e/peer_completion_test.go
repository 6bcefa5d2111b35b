package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// TestPeerCompletion: bash, zsh and fish complete commands, and names of the running daemon, when TAB is typed.
func TestPeerCompletion(t *testing.T) {
	t.Parallel()
	expect := needs(t, "expect", "expect")
	needs(t, "bash", "bash")
	needs(t, "zsh", "zsh")
	needs(t, "fish", "fish")
	const bashCompletion = "/usr/share/bash-completion/bash_completion"
	if _, err := os.Stat(bashCompletion); err != nil {
		skipPeer(t, "needs %s: apt-get install bash-completion", bashCompletion)
	}
	l := startTown(t, lab.Options{})
	shells := map[string][]string{ // setup, command
		"bash": {"source " + bashCompletion + "; source <(ringback completion bash)", "bash", "--norc", "--noprofile",
			"-i"},
		"zsh": {"autoload -Uz compinit; compinit -u -D; source <(ringback completion zsh)", "zsh", "-f", "-i"},
	}
	for shell, command := range shells {
		for _, tt := range []struct{ line, want string }{
			{"ringback show line", "show line "},
			{"ringback show line ", "65 .*66 .*68 "},
			{"ringback show line -o ", "table.*wide"},
			{"ringback cancel callback ", "callback \\a"}, // there is none: the shell beeps
		} {
			t.Run(shell+" "+tt.line, func(t *testing.T) {
				t.Parallel()
				if shell == "zsh" && strings.Contains(tt.want, "\\a") {
					t.Skip("zsh may not beep")
				}
				args := append([]string{"testdata/completion/tab.exp", tt.want, tt.line}, command...)
				c := exec.CommandContext(t.Context(), expect, args...)
				c.Env = append(os.Environ(), "RINGBACK_SOCKET="+l.Town().Socket, "TERM=dumb", "HOME="+t.TempDir())
				if out, err := c.CombinedOutput(); err != nil {
					t.Errorf("%v\n%q", err, out)
				}
			})
		}
	}
	t.Run("fish", func(t *testing.T) {
		c := exec.CommandContext(t.Context(), "fish", "--no-config", "-c", "ringback completion fish | source; "+
			`while not complete -C "ringback show line " | string match -q "68*"; end; complete -C "ringback show line "; `+
			`complete -C "ringback show line"`)
		c.Env = append(os.Environ(), "RINGBACK_SOCKET="+l.Town().Socket, "HOME="+t.TempDir())
		out, err := c.CombinedOutput()
		for _, want := range []string{"65\t", "66\t", "67\t", "68\t", "line\t"} {
			if err != nil || !strings.Contains(string(out), "\n"+want) && !strings.HasPrefix(string(out), want) {
				t.Errorf("no %q: %v\n%s", want, err, out)
			}
		}
	})
}
