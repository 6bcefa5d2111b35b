package e2e

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/servers"
)

// aaaServer is the test's own AAA server, outside the lab: it can be silenced, and its users changed, while the town
// runs.
type aaaServer struct {
	t      *testing.T
	radius *servers.RADIUS // one of the two
	tacacs *servers.TACACS
}

const aaaSecret = "the-town's-own-secret-of-30-oct"

// townUsers are the lab's own users in the format of the server.
func townUsers(t *testing.T, kind lab.AAA) string {
	t.Helper()
	if kind == lab.ByTACACS {
		return readFile(t, "../lab/files/tacacs.conf")
	}
	return readFile(t, "../lab/files/users")
}

// aaaTown is a lab whose daemon uses such a server, via RADIUS or TACACS+; both end with the test.
func aaaTown(t *testing.T, kind lab.AAA, users string, o lab.Options, all ...edit) (*lab.Lab, *aaaServer) {
	t.Helper()
	s := &aaaServer{t: t}
	o.AAA = kind
	if kind == lab.ByTACACS {
		s.startTACACS(users)
		runServer(t, s.tacacs)
		o.Edit = s.toTACACS(edits(t, append(all, edit{"ringback.yaml", "secret_file: tacacs.secret}",
			"secret_file: tacacs.secret, timeout: 3s}"})...))
	} else {
		s.startRADIUS(users)
		runServer(t, s.radius)
		o.RADIUS = &lab.RADIUS{Auth: s.radius.AuthAddr(), Acct: s.radius.AcctAddr(), Secret: aaaSecret}
		o.Edit = edits(t, append(all, edit{"ringback.yaml", "timeout: 2s\n      retries: 3",
			"timeout: 1s\n      retries: 1"})...)
	}
	return startTown(t, o), s
}

// runServer serves until the end of the test.
func runServer(t *testing.T, server interface{ Run(context.Context) error }) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
}

func (s *aaaServer) startRADIUS(users string) {
	s.t.Helper()
	parsed, err := servers.ParseUsers(strings.NewReader(users))
	if err == nil {
		s.radius, err = servers.NewRADIUS(servers.RADIUSConfig{Secret: aaaSecret, Users: parsed})
	}
	if err == nil {
		err = s.radius.Listen(":0", ":0")
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *aaaServer) startTACACS(users string) {
	s.t.Helper()
	parsed, err := servers.ParseTACACS(strings.NewReader(users))
	if err == nil {
		s.tacacs, err = servers.NewTACACS(servers.TACACSConfig{Key: aaaSecret, Profiles: parsed})
	}
	if err == nil {
		err = s.tacacs.Listen(":0")
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

var serverAddress = regexp.MustCompile(`(name: town, address: )[^,}]+`)

func (s *aaaServer) toTACACS(also func(name, text string) string) func(name, text string) string {
	return func(name, text string) string {
		switch name {
		case "ringback.yaml":
			text = serverAddress.ReplaceAllString(text, "${1}"+s.tacacs.Addr())
		case "tacacs.secret":
			text = aaaSecret + "\n"
		}
		return also(name, text)
	}
}

// silence makes the server accept requests and answer none, or answer again.
func (s *aaaServer) silence(on bool) {
	if s.tacacs != nil {
		s.tacacs.SetFaults(servers.TACACSFaults{Silent: on})
		return
	}
	s.radius.SetFaults(servers.Faults{Silent: on})
}

// know replaces the server's users.
func (s *aaaServer) know(users string) {
	s.t.Helper()
	var err error
	if s.tacacs != nil {
		var p servers.Profiles
		if p, err = servers.ParseTACACS(strings.NewReader(users)); err == nil {
			err = s.tacacs.SetProfiles(p)
		}
	} else {
		var u []servers.User
		if u, err = servers.ParseUsers(strings.NewReader(users)); err == nil {
			err = s.radius.SetUsers(u)
		}
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
