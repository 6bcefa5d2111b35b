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

// loginClient is a program that logs in at FreeRADIUS a given number of times.
type loginClient struct {
	figure, name string // the name of its row; the name of the program
	way, note    string // how radclient was used; the note below the table
	goal         float64
	goalText     string // the greatest allowed ratio of ours to this client
	run          func(context.Context) (loginRun, error)
}

// loginRun is one round.
type loginRun struct {
	childRun
	granted, lost int
	server        serverLoad
}

// radius compares the cost of an authenticated login: our client, radclient and layeh.com/radius's Exchange, each a
// separate process measured from start to end, all with the same FreeRADIUS.
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
			b.say("%s: %d granted, %d lost in %.2f s, %.1f µs of CPU each", c.name, r.granted, r.lost,
				r.elapsed.Seconds(), microseconds(r.cpu)/float64(max(1, r.granted)))
			runs[i] = append(runs[i], r)
		}
	}
	b.loginRows(clients, runs)
	return nil
}

// loginClients returns the clients, ours first.
func (b *bench) loginClients(server string) ([]loginClient, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(b.path("password"), []byte(wire.Password), 0o600); err != nil {
		return nil, err
	}
	clients := []loginClient{{name: "ours", run: func(ctx context.Context) (loginRun, error) {
		return ourLogins(ctx, b.ringback, b.dir, b.sizes.logins, "--address", server, "--timeout", "2s")
	}}}
	theirs, err := b.radclients(server)
	if err != nil {
		return nil, err
	}
	return append(append(clients, theirs...), loginClient{
		figure: "… at layeh's Exchange", name: "layeh.com/radius", goal: 0.45, goalText: "≤ 0.45",
		note: "Exchange does not support Message-Authenticator: the benchmark makes and verifies it around the call, " +
			"as a user of the library must.",
		run: func(ctx context.Context) (loginRun, error) { return layehLogins(ctx, self, server, b.sizes.logins) },
	}), nil
}

// radclients are the ways in which radclient makes this many logins: it never has more than one copy of each packet of
// its file in flight, whatever -p says.
func (b *bench) radclients(server string) ([]loginClient, error) {
	path, err := exec.LookPath("radclient")
	if err != nil {
		b.add(row{figure: "CPU of a RADIUS login", note: "radclient skipped: apt-get install freeradius-utils"})
		return nil, nil
	}
	n := b.sizes.logins
	clients := []loginClient{
		{figure: "CPU of a RADIUS login", way: "1 packet",
			note: fmt.Sprintf("%d concurrent logins for ours. radclient -p %d has at most one copy of each packet of "+
				"its file in flight: the one packet of this row is one login at a time. All are whole processes from "+
				"start to end, including kernel time, on one CPU; all make and "+
				"verify the Message-Authenticator.", loginsAtOnce, loginsAtOnce)},
		{figure: fmt.Sprintf("… %d packets in radclient's file", n), way: fmt.Sprintf("%d packets", n),
			note: "each sent once."},
		{figure: fmt.Sprintf("… %d packets in radclient's file", loginsAtOnce),
			way:  fmt.Sprintf("%d packets", loginsAtOnce),
			note: fmt.Sprintf("each sent %d times: as many concurrent logins as ours.", n/loginsAtOnce)},
	}
	for i, packets := range []int{1, n, loginsAtOnce} {
		file := b.path(fmt.Sprintf("packets-%d", packets))
		if err := os.WriteFile(file, []byte(strings.Repeat(accessRequest, packets)), 0o600); err != nil {
			return nil, err
		}
		clients[i].name, clients[i].goal, clients[i].goalText = "radclient", 0.25, "≤ 1/4"
		clients[i].run = func(ctx context.Context) (loginRun, error) {
			return radclientLogins(ctx, path, server, file, n/packets)
		}
	}
	return clients, nil
}

const accessRequest = "User-Name = \"bench\"\nUser-Password = \"" + wire.Password +
	"\"\nNAS-Port = 1\nNAS-Port-Type = Async\nService-Type = NAS-Prompt-User\nMessage-Authenticator = 0x00\n\n"

// ourLogins runs `ringback aaa load`.
func ourLogins(ctx context.Context, program, dir string, n int, server ...string) (loginRun, error) {
	secret := dir + "/secret"
	if err := os.WriteFile(secret, []byte(peerSecret), 0o600); err != nil {
		return loginRun{}, err
	}
	args := append([]string{"aaa", "load", "-n", strconv.Itoa(n), "-p", strconv.Itoa(loginsAtOnce), "--user", "bench",
		"--password-file", dir + "/password",
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

// radclientLogins sends each packet of a file the given number of times, at most loginsAtOnce at a time.
func radclientLogins(ctx context.Context, path, server, file string, times int) (loginRun, error) {
	c, err := runChild(ctx, path, "-q", "-s", "-c", strconv.Itoa(times), "-p", strconv.Itoa(loginsAtOnce), "-r", "3",
		"-t", "2", "-f", file, server, "auth", peerSecret)
	r := loginRun{childRun: c}
	r.granted, r.lost = radclientSaid(c.output, "Accepted")
	return r, err
}

// radclientSaid parses radclient's summary.
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
		b.add(row{figure: c.figure, ours: ours.spread("%.1f", "µs"), peer: c.name + " " + theirs.spread("%.1f", "µs"),
			ratio: times(ratio), goal: c.goalText,
			verdict: hold(ratio <= c.goal), port: "UDP", note: c.note})
	}
	lost, done := 0, 0
	for _, r := range runs[0] {
		lost, done = lost+r.lost, done+r.granted
	}
	b.add(row{figure: "… logins lost", ours: fmt.Sprintf("%d of %d", lost, done+lost), goal: "0",
		verdict: hold(lost == 0), port: "UDP"})
	b.throughput(clients, runs)
}

// throughput compares ours with each way of radclient, and says what limited it.
func (b *bench) throughput(clients []loginClient, runs [][]loginRun) {
	rate := func(i int) (s sample) {
		for _, r := range runs[i] {
			s = append(s, float64(r.granted)/r.elapsed.Seconds())
		}
		return s
	}
	limit, why := serversLimit(runs[0])
	for i, c := range clients {
		if c.name != "radclient" {
			continue
		}
		ratio := rate(0).median() / rate(i).median()
		r := row{figure: c.figure, ours: rate(0).spread("%.0f", "/s"), peer: "radclient " +
			rate(i).spread("%.0f", "/s"), ratio: times(ratio), goal: "≥ 2.50, or the server's limit",
			verdict: hold(ratio >= 2.5 || limit), port: "UDP"}
		if i == 1 {
			r.figure, r.note = "RADIUS logins a second", why
		}
		b.add(r)
	}
}

// serversLimit reports whether the server limited our logins, and its load during them.
func serversLimit(ours []loginRun) (limit bool, why string) {
	var server, busiest, both sample
	for _, r := range ours {
		server, busiest = append(server, r.server.all), append(busiest, r.server.busiest)
		both = append(both, r.server.all+r.cpu.Seconds()/r.elapsed.Seconds())
	}
	cores := float64(runtime.NumCPU())
	why = fmt.Sprintf("with ours, FreeRADIUS used %.2f of %.0f cores, its busiest thread %.2f of one core, and both "+
		"programs together %.2f: ", server.median(), cores, busiest.median(), both.median())
	switch {
	case busiest.median() >= 0.9:
		return true, why + "the limit was its single reading thread."
	case both.median() >= 0.9*cores && server.median() >= both.median()/2:
		return true, why + "the machine was fully used, mostly by the server."
	}
	return false, why + "the server was not at its limit."
}
