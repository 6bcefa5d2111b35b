package pgtest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestPeerShared(t *testing.T) {
	template := &Template{Fill: func(ctx context.Context, d *Database) error {
		_, err := d.Server.query(ctx, d.Name, User,
			"CREATE TABLE calls (id text); INSERT INTO calls VALUES ('a'), ('b')")
		return err
	}}
	d := template.Shared(t)
	if got := d.SQL(t, "DELETE FROM calls WHERE id = 'a'; SELECT id, 'x;y' FROM calls"); got != "b|x;y" {
		t.Errorf("%q", got)
	}
	second := template.Shared(t)
	if got := second.SQL(t, "DO $$ BEGIN PERFORM 1; PERFORM 2; END $$; SELECT count(*) FROM calls"); got != "2" {
		t.Errorf("a second database from the template has %s rows, want 2", got)
	}
	if got := Shared(t).SQL(t, "SELECT count(*) FROM pg_class WHERE relname = 'calls'"); got != "0" {
		t.Error("an empty database has the table")
	}
	c := d.Connect(t, User)
	var super bool
	err := c.QueryRow(t.Context(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&super)
	if err != nil || super {
		t.Errorf("%s is a superuser: %v", User, err)
	}
}

// A standby that is synchronous has each commit, and none is acknowledged while it is stopped; then it takes over.
func TestPeerStandby(t *testing.T) {
	a := Start(t)
	b := a.Standby(t)
	a.SQL(t, "CREATE TABLE calls (id int); GRANT ALL ON calls TO "+User)
	c := a.Connect(t, User)
	b.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Exec(ctx, "INSERT INTO calls VALUES (1)"); err == nil {
		t.Error("a commit is acknowledged without the standby")
	}
	b.Resume()
	a.SQL(t, "INSERT INTO calls VALUES (2)")
	a.Kill()
	b.Promote(t)
	if got := b.SQL(t, "INSERT INTO calls VALUES (3); SELECT count(*) FROM calls WHERE id > 1"); got != "2" {
		t.Errorf("the standby has %s rows, want 2", got)
	}
	if got := b.SQL(t, "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"); got != "00000002" {
		t.Errorf("timeline %s", got)
	}
}

func TestPeerKillStopRestart(t *testing.T) {
	s := Start(t, Options{TLS: true})
	s.SQL(t, "CREATE TABLE calls (id int); INSERT INTO calls VALUES (1)")
	address := s.TCP
	s.Kill()
	if _, err := s.connect(t.Context(), Name, Admin); err == nil {
		t.Error("a killed server answers")
	}
	s.Restart(t)
	s.Pause()
	s.Stop(t)
	s.Restart(t)
	if got := s.SQL(t, "SELECT count(*) FROM calls"); got != "1" || s.TCP != address {
		t.Errorf("%s rows at %s, want 1 at %s", got, s.TCP, address)
	}
	for mode, want := range map[string]bool{"verify-full": true, "disable": false} {
		c, err := pgx.Connect(t.Context(), "postgres://"+User+":password%20of%20the%20tests@"+
			strings.Replace(s.TCP, "127.0.0.1", "localhost", 1)+"/"+Name+"?sslrootcert="+s.CAFile+"&sslmode="+mode)
		if (err == nil) != want {
			t.Errorf("sslmode=%s: %v", mode, err)
		}
		if err == nil {
			c.Close(t.Context())
		}
	}
}

func TestPeerClock(t *testing.T) {
	s := Start(t, Options{Clock: true})
	c := s.Connect(t, User)
	for offset, want := range map[string]time.Duration{"+3600": time.Hour, "-7300d": -7300 * 24 * time.Hour} {
		s.SetClock(t, offset)
		var now time.Time
		if err := c.QueryRow(t.Context(), "SELECT clock_timestamp()").Scan(&now); err != nil {
			t.Fatal(err)
		}
		if d := time.Until(now) - want; d.Abs() > time.Minute {
			t.Errorf("the clock is %v off after %s, want %v", time.Until(now), offset, want)
		}
	}
}

// What a process started ends with it, also when it is killed while its server is paused.
func TestPeerNothingOutlivesTheProcess(t *testing.T) {
	programs(t)
	if file := os.Getenv("PGTEST_CHILD"); file != "" {
		s := Start(t)
		s.Pause()
		text := filepath.Dir(s.data) + " " + strconv.Itoa(s.cmd.Process.Pid)
		for _, c := range children(s.cmd.Process.Pid) {
			text += " " + strconv.Itoa(c)
		}
		os.WriteFile(file+".next", []byte(text), 0o600)
		os.Rename(file+".next", file)
		<-t.Context().Done()
	}
	file := filepath.Join(t.TempDir(), "pids")
	child := exec.Command(os.Args[0], "-test.run=^TestPeerNothingOutlivesTheProcess$")
	child.Env = append(os.Environ(), "PGTEST_CHILD="+file)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var fields []string
	found := await(func() bool {
		text, _ := os.ReadFile(file)
		fields = strings.Fields(string(text))
		return len(fields) > 3
	})
	child.Process.Kill()
	child.Wait()
	if !found {
		t.Fatal("the child has no server within a minute")
	}
	if !await(func() bool {
		for _, f := range fields[1:] {
			pid, _ := strconv.Atoi(f)
			if state, _ := stat(pid); state != 0 && state != 'Z' {
				return false
			}
		}
		_, err := os.Stat(fields[0])
		return err != nil
	}) {
		t.Errorf("%s is not removed, or a process of %v runs, a minute after the end", fields[0], fields[1:])
	}
}

// A test can cut the connection at each message of an exchange, and each cut is seen.
func TestPeerProxy(t *testing.T) {
	d := Shared(t)
	d.SQL(t, "CREATE TABLE calls (id int); GRANT ALL ON calls TO "+User)
	p := NewProxy(t, d)
	through := Database{Server: &Server{Database: Database{Address: p.Address}}, Name: d.Name}
	refused := 0
	for n := 1; ; n++ {
		if n > 1000 {
			t.Fatal("the exchange has more than 1000 messages")
		}
		p.Rule(nil)
		c, err := through.Server.connect(t.Context(), d.Name, User)
		if err != nil {
			t.Fatal(err)
		}
		reached := p.CutAt(n)
		_, err = c.PgConn().Exec(t.Context(), "INSERT INTO calls VALUES (1)").ReadAll()
		cut := reached() // before the connection ends in order
		c.Close(t.Context())
		if !cut {
			if err != nil {
				t.Errorf("without a cut: %v", err)
			}
			break
		}
		if err == nil {
			t.Errorf("message %d is cut, and there is no error", n)
		}
		refused++
	}
	if refused != 3 { // Query, CommandComplete, ReadyForQuery
		t.Errorf("%d cuts, want 3", refused)
	}
	p.Down()
	if _, err := through.Server.connect(t.Context(), d.Name, User); err == nil {
		t.Error("a proxy that is down connects")
	}
	p.Up()
	p.Rule(nil)
	if got := through.SQL(t, "SELECT count(*) FROM calls WHERE id = 1"); got != "3" {
		t.Errorf("%s rows, want 3: the first cut was before the server", got)
	}
}

func TestPeerPgBouncer(t *testing.T) {
	d := Shared(t)
	address := PgBouncer(t, d, "default_pool_size = 2")
	through := Server{Database: Database{Address: address}}
	got, err := through.query(t.Context(), d.Name, User, "LISTEN x; SELECT count(*) FROM pg_listening_channels()")
	if err != nil || got == "" {
		t.Errorf("%q, %v", got, err)
	}
}
