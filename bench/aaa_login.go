package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/ringback/ringback/bench/wire"
)

// loginClient is one program that logs in at FreeRADIUS, as often as it is told.
type loginClient struct {
	figure, name string
	goal         float64 // ours must not cost more than this part of it
	goalText     string
	run          func(context.Context) (loginRun, error)
}

// loginRun is one round.
type loginRun struct {
	childRun
	granted, lost int
	server        serverLoad
}

// radius compares what an authenticated login costs: our client, radclient and layeh.com/radius's Exchange, each a process of its own from its start
// to its end, all at the same FreeRADIUS.
func (b *bench) radius(ctx context.Context) error {
	f, skipped, err := b.freeradius("radius")
	if err != nil {
		return err
	}
	if skipped != "" {
		b.add(row{figure: "CPU of a RADIUS login", note: skipped})
		return nil
	}
	defer f.Stop()
	pid, err := childNamed("freeradius", "radiusd")
	if err != nil {
		return err
	}
	clients, err := b.loginClients(f.Auth)
	if err != nil {
		return err
	}
	runs := make([][]loginRun, len(clients))
	for range b.sizes.loginRounds {
		for i, c := range clients {
			load := watchServer(pid)
			r, err := c.run(ctx)
			if err != nil {
				return err
			}
			if r.server, err = load(); err != nil {
				return err
			}
			b.say("%s: %d granted, %d lost in %.2f s, %.1f µs of CPU each", c.name, r.granted, r.lost, r.elapsed.Seconds(), microseconds(r.cpu)/float64(max(1, r.granted)))
			runs[i] = append(runs[i], r)
		}
	}
	b.loginRows(clients, runs)
	return nil
}

// loginClients has ours first.
func (b *bench) loginClients(server string) ([]loginClient, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	n := b.sizes.logins
	clients := []loginClient{
		{name: "ours", run: func(ctx context.Context) (loginRun, error) {
			return ourLogins(ctx, b.ringback, b.dir, n, "--address", server, "--timeout", "2s")
		}},
		{figure: "… at Exchange's", name: "layeh.com/radius", goal: 0.5, goalText: "≤ 1/2", run: func(ctx context.Context) (loginRun, error) {
			return layehLogins(ctx, self, server, n)
		}},
	}
	path, err := exec.LookPath("radclient")
	if err != nil {
		b.say("radclient is missing: apt-get install freeradius-utils")
		return clients, os.WriteFile(b.path("password"), []byte(wire.Password), 0o600)
	}
	for _, v := range []struct {
		figure  string
		packets int
	}{
		// radclient has one copy of each packet of its file under way at most, whatever -p says.
		{"CPU of a RADIUS login", 1},
		{"… at radclient's, %d packets in its file", n},
		{"… at radclient's, %d packets in its file", loginsAtOnce},
	} {
		file := b.path(fmt.Sprintf("packets-%d", v.packets))
		if err := os.WriteFile(file, []byte(strings.Repeat(accessRequest, v.packets)), 0o600); err != nil {
			return nil, err
		}
		if strings.Contains(v.figure, "%d") {
			v.figure = fmt.Sprintf(v.figure, v.packets)
		}
		clients = append(clients, loginClient{figure: v.figure, name: "radclient", goal: 0.25, goalText: "≤ 1/4", run: func(ctx context.Context) (loginRun, error) {
			return radclientLogins(ctx, path, server, file, n/v.packets)
		}})
	}
	return clients, os.WriteFile(b.path("password"), []byte(wire.Password), 0o600)
}

const accessRequest = "User-Name = \"bench\"\nUser-Password = \"" + wire.Password + "\"\nNAS-Port = 1\nNAS-Port-Type = Async\nService-Type = NAS-Prompt-User\nMessage-Authenticator = 0x00\n\n"

// ourLogins runs `ringback aaa load`.
func ourLogins(ctx context.Context, program, dir string, n int, server ...string) (loginRun, error) {
	secret := dir + "/secret"
	if err := os.WriteFile(secret, []byte(peerSecret), 0o600); err != nil {
		return loginRun{}, err
	}
	args := append([]string{"aaa", "load", "-n", strconv.Itoa(n), "-p", strconv.Itoa(loginsAtOnce), "--user", "bench", "--password-file", dir + "/password",
		"--secret-file", secret, "-o", "json"}, server...)
	c, err := runChild(ctx, program, args...)
	if err != nil {
		return loginRun{}, err
	}
	var report struct {
		Answers struct{ Granted int }
	}
	if err := json.Unmarshal([]byte(c.output), &report); err != nil {
		return loginRun{}, fmt.Errorf("ringback aaa load printed no report: %w: %s", err, c.output)
	}
	return loginRun{childRun: c, granted: report.Answers.Granted, lost: n - report.Answers.Granted}, nil
}

var radclientCount = regexp.MustCompile(`(?m)^\s*(Accepted|Lost|Passed filter)\s*: (\d+)`)

// radclientLogins sends each packet of a file so often, no more than loginsAtOnce under way.
func radclientLogins(ctx context.Context, path, server, file string, times int) (loginRun, error) {
	c, err := runChild(ctx, path, "-q", "-s", "-c", strconv.Itoa(times), "-p", strconv.Itoa(loginsAtOnce), "-r", "3", "-t", "2", "-f", file, server, "auth", peerSecret)
	r := loginRun{childRun: c}
	r.granted, r.lost = radclientSaid(c.output, "Accepted")
	return r, err
}

// radclientSaid reads radclient's summary.
func radclientSaid(output, good string) (done, lost int) {
	for _, m := range radclientCount.FindAllStringSubmatch(output, -1) {
		n, _ := strconv.Atoi(m[2])
		switch m[1] {
		case good:
			done = n
		case "Lost":
			lost = n
		}
	}
	return done, lost
}

func (b *bench) loginRows(clients []loginClient, runs [][]loginRun) {
	cost := func(i int) (s sample) {
		for _, r := range runs[i] {
			s = append(s, microseconds(r.cpu)/float64(max(1, r.granted)))
		}
		return s
	}
	ours := cost(0)
	for i, c := range clients {
		if i == 0 {
			continue
		}
		theirs := cost(i)
		ratio := ours.median() / theirs.median()
		b.add(row{figure: c.figure, ours: ours.spread("%.1f", "µs"), peer: c.name + " " + theirs.spread("%.1f", "µs"), ratio: times(ratio), goal: c.goalText,
			verdict: hold(ratio <= c.goal), port: "UDP", note: loginNote(i)})
	}
	lost, done := 0, 0
	for _, r := range runs[0] {
		lost, done = lost+r.lost, done+r.granted
	}
	b.add(row{figure: "… logins lost", ours: fmt.Sprintf("%d of %d", lost, done+lost), goal: "0", verdict: hold(lost == 0), port: "UDP"})
	b.throughput(clients, runs)
}

func loginNote(i int) string {
	switch i {
	case 1:
		return "Exchange knows no Message-Authenticator: the bench makes and verifies it around the call, as its user would have to."
	case 2:
		return fmt.Sprintf("%d logins under way for ours; radclient has one copy of each packet of its file under way, so that one packet is one login at a time whatever -p says. "+
			"All are whole processes from their start to their end, kernel time included; Message-Authenticator made and verified by all.", loginsAtOnce)
	}
	return ""
}

// throughput compares ours with the fastest of radclient's ways, and says what held it back.
func (b *bench) throughput(clients []loginClient, runs [][]loginRun) {
	rate := func(i int) (s sample) {
		for _, r := range runs[i] {
			s = append(s, float64(r.granted)/r.elapsed.Seconds())
		}
		return s
	}
	ours, best := rate(0), 0
	for i, c := range clients {
		if c.name == "radclient" && (best == 0 || rate(i).median() > rate(best).median()) {
			best = i
		}
	}
	r := row{figure: "RADIUS logins a second", ours: ours.spread("%.0f", ""), goal: "≥ 2.50, or the server's limit", verdict: info, port: "UDP"}
	var server, busiest, machine sample
	for _, run := range runs[0] {
		server, busiest = append(server, run.server.all), append(busiest, run.server.busiest)
		machine = append(machine, run.server.all+run.cpu.Seconds()/run.elapsed.Seconds())
	}
	cores := float64(runtime.NumCPU())
	limit := busiest.median() >= 0.9 || machine.median() >= 0.9*cores
	r.note = fmt.Sprintf("FreeRADIUS used %.2f of %.0f cores, its busiest thread %.2f of one, and with ours %.2f: ", server.median(), cores, busiest.median(), machine.median())
	switch {
	case busiest.median() >= 0.9:
		r.note += "its one reading thread was the limit."
	case limit:
		r.note += "the machine was full, and the server had the greater part of it."
	default:
		r.note += "the server was not at its limit."
	}
	if best > 0 {
		theirs := rate(best)
		ratio := ours.median() / theirs.median()
		r.peer, r.ratio = "radclient "+theirs.spread("%.0f", ""), times(ratio)
		r.verdict = hold(ratio >= 2.5 || limit)
		r.note += " radclient's is its fastest way, " + strings.TrimPrefix(clients[best].figure, "… at radclient's, ") + "."
		if clients[best].figure == clients[2].figure {
			r.note = strings.Replace(r.note, clients[2].figure, "one packet in its file", 1)
		}
	}
	b.add(r)
}
