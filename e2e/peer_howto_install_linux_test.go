package e2e

import (
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestPeerInstallHowTo goes from the package to a called-back line as docs/how-to/install.md says, on a Debian 12 on
// which nothing else is installed, with the simulated telephone network: it runs the commands of the page, and those
// that they print, and expects what the page shows.
func TestPeerInstallHowTo(t *testing.T) {
	t.Parallel()
	const page = "../docs/how-to/install.md"
	m := bootNew(t, "bookworm")
	m.fetch(t, "1.0.0", "*.deb")
	m.fetch(t, "1.0.0", "SHA256SUMS")
	m.run(t, `echo 'APT::Get::Assume-Yes "true"; APT::Install-Recommends "false";' >/etc/apt/apt.conf.d/test`) // no network
	installing := blocks(t, page, "Debian")[0]
	m.run(t, "set -e; cd /job; "+strings.ReplaceAll(installing, "amd64", runtime.GOARCH))
	m.until(t, "ringback show line")

	all := blocks(t, page, "From the package to a called-back line")
	network := steps(all[0])[0]
	pc := m.atTerminal(t, network.command)
	for _, line := range network.shows {
		if !strings.Contains(line, "rfc2217://") {
			pc.see(line)
		}
	}
	port := regexp.MustCompile(`rfc2217://[^ ]+`).FindString(pc.text())

	var next string
	for _, s := range steps(all[1]) {
		out := m.run(t, strings.ReplaceAll(s.command, "/dev/ttyUSB0", port))
		rest := out
		for _, line := range s.shows {
			_, after, ok := strings.Cut(rest, line)
			if !ok {
				t.Fatalf("%s: no line %q, or not in this order:\n%s", s.command, line, out)
			}
			rest = after
		}
		_, next, _ = strings.Cut(out, "\nnext:\n")
	}
	commands := strings.Split(strings.TrimSpace(next), "\n")
	if len(commands) != 3 {
		t.Fatalf("init prints the next steps %q", commands)
	}
	test := m.atTerminal(t, commands[0])
	test.see("Password: ")
	test.enter("maui-1993")
	test.see("call_back: at 84001")
	test.end(0)
	m.run(t, commands[1])
	m.run(t, commands[2])
	m.until(t, "ringback show line | grep -q idle")

	for line := range strings.Lines(all[2]) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "at"):
			pc.enter(line)
		case strings.HasPrefix(line, "Username: "):
			pc.see("Username: ")
			pc.enter(strings.TrimPrefix(line, "Username: "))
		case line == "Password:":
			pc.see("Password: ")
			pc.enter("maui-1993")
		default:
			pc.see(line)
		}
	}
	pc.see(">")
	pc.enter("exit")
	pc.see("NO CARRIER")
	m.until(t, "ringback show callbacks --all | grep -q 'completed  *austin-01  *84001'")
	pc.press("\x1d")
	pc.end(0)
}

// blocks are the fenced blocks of a section of a page, without what indents them.
func blocks(t *testing.T, page, section string) (all []string) {
	t.Helper()
	_, text, ok := strings.Cut(readFile(t, page), "\n## "+section+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, b := range regexp.MustCompile("(?ms)^( *)```\n(.*?)^ *```$").FindAllStringSubmatch(text, -1) {
		all = append(all, regexp.MustCompile("(?m)^"+b[1]).ReplaceAllString(b[2], ""))
	}
	return all
}

// step is a command of a page and the lines that the page shows below it.
type step struct {
	command string
	shows   []string
}

// steps are the commands of a block: the lines after the prompt of root, with their continuations.
func steps(block string) (all []step) {
	for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", "")) {
		line = strings.TrimRight(line, "\n")
		if command, ok := strings.CutPrefix(line, "# "); ok {
			all = append(all, step{command: command})
		} else if strings.TrimSpace(line) != "…" && line != "" && len(all) > 0 {
			all[len(all)-1].shows = append(all[len(all)-1].shows, line)
		}
	}
	return all
}
