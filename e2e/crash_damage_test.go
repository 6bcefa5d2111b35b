package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// db opens the journal while the daemon does not know.
func (town *crashTown) db(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+town.journal())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// flipRow flips a bit in the journal's file, in the number of the callback to this number. SQLite cannot detect it.
func (town *crashTown) flipRow(t *testing.T, number string) {
	t.Helper()
	db := town.db(t)
	var call string
	if err := db.QueryRow("SELECT call_id FROM callbacks WHERE number = ?", number).Scan(&call); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(town.journal())
	if err != nil {
		t.Fatal(err)
	}
	row := []byte(number + call) // of the columns caller (empty), number, no_verify (no octet), call_id
	if !bytes.Contains(data, row) {
		t.Fatal("the row is not in the file")
	}
	row[len(number)-1] ^= 2                                 // 84001 → 84003
	data = bytes.ReplaceAll(data, []byte(number+call), row) // also former places of the row, which are not read
	if err := os.WriteFile(town.journal(), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCrashFlippedBit: two callbacks are pending when the daemon is killed; a bit of one flips. The other is called
// back, the damaged one never; and its user may have a new one.
func TestCrashFlippedBit(t *testing.T) {
	town := newCrashTown(t, crashWorld{lines: 3, callers: 3, wait: 10 * time.Second})
	d := town.start(t)
	if err := d.ready(); err != nil {
		t.Fatal(err)
	}
	for _, c := range town.callers[:2] {
		c.call()
		if err := c.hangsUp(d); err != nil {
			t.Fatal(err)
		}
	}
	d.kill()
	if n := len(town.lineDials()); n != 0 {
		t.Fatalf("%d dials before the crash", n)
	}
	town.flipRow(t, "84001")
	d = town.start(t)
	damaged, sound, stranger := town.callers[0], town.callers[1], town.callers[2]
	sessions := func(c *crashCaller) int { _, _, n, _ := c.saw(); return n }
	if err := d.until("the sound callback", func(context.Context) bool { return sessions(sound) == 1 }); err != nil {
		d.kill()
		t.Fatal(err, town.story(d))
	}
	<-time.After(time.Second) // the damaged one would be due at the same time
	if sessions(damaged) != 0 || sessions(stranger) != 0 || len(town.lineDials()) != 1 {
		t.Errorf("dials: %+v", town.lineDials())
	}
	damaged.call()
	err := damaged.hangsUp(d)
	if err == nil {
		err = d.until("the new callback", func(context.Context) bool { return sessions(damaged) == 1 })
	}
	if err = errors.Join(err, d.rest(0), d.stop()); err != nil {
		t.Error(err)
	}
	if n := len(town.lineDials()); n != 2 || sessions(stranger) != 0 {
		t.Errorf("dials: %+v", town.lineDials())
	}
	if !d.says("error", "a callback's row is damaged; it will not be dialed") {
		t.Error("the log has no alarm")
	}
	if t.Failed() {
		t.Log(town.story(d))
	}
}

// TestCrashNewerSchema: a journal that a newer ringback wrote is not changed.
func TestCrashNewerSchema(t *testing.T) {
	town := newCrashTown(t, crashWorld{})
	d := town.start(t)
	if err := errors.Join(d.ready(), d.stop()); err != nil {
		t.Fatal(err)
	}
	db := town.db(t)
	if _, err := db.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(town.journal())
	if err != nil {
		t.Fatal(err)
	}
	town.refuses(t, town.start(t), "journal.db", "has schema 99, this ringback knows", "use the newer ringback")
	if after, err := os.ReadFile(town.journal()); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the journal was changed, %v", err)
	}
}

// refuses checks that the daemon ends by itself, with status 1 and one line that has all the texts.
func (town *crashTown) refuses(t *testing.T, d *crashDaemon, texts ...string) {
	t.Helper()
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.kill()
		t.Errorf("it runs, but must refuse:\n%s", d.out)
		return
	}
	if d.cmd.ProcessState.ExitCode() != 1 || !d.says(append(texts, "ringback: ")...) {
		t.Errorf("status %d, and no line with %q:\n%s", d.cmd.ProcessState.ExitCode(), texts, d.out)
	}
}

// other writes a configuration with other paths than the town's own, and returns its name.
func (town *crashTown) other(t *testing.T, oldnew ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(town.dir, "ringback.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(oldnew...).Replace(string(b))
	if err := os.WriteFile(filepath.Join(town.dir, "other.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return "other.yaml"
}

// TestCrashTwoDaemons: a second daemon on a state directory or an admin socket ends immediately; on a port it runs
// without that line, and says why. The first daemon is not disturbed: afterwards it calls back.
func TestCrashTwoDaemons(t *testing.T) {
	for _, w := range []crashWorld{{name: "RFC 2217"}, {name: "TCP", tcp: true}, {name: "PTY", pty: true}} {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			town := newCrashTown(t, w)
			d := town.start(t)
			if err := d.ready(); err != nil {
				t.Fatal(err)
			}
			state, socket := "state_dir: "+town.crashWorld.state, "socket: "+town.socket()+"}"
			town.refuses(t, town.startOn(t, town.other(t, socket, "socket: "+town.socket()+"2}")),
				"state directory "+town.crashWorld.state, fmt.Sprintf("in use by process %d", d.cmd.Process.Pid),
				"its own state_dir")
			town.refuses(t, town.startOn(t, town.other(t, state, state+"2")), "admin socket "+town.socket(),
				"in use by another ringback")
			second := town.startOn(t, town.other(t, state, state+"2", socket, "socket: "+town.socket()+"2}"))
			other := client.New(town.socket() + "2")
			err := second.until("the lines' reasons", func(ctx context.Context) bool {
				lines, err := other.Lines(ctx)
				for _, l := range lines {
					if l.State != "down" || l.Reason == "" {
						return false
					}
				}
				return err == nil && len(lines) > 0
			})
			if err != nil {
				t.Error(err)
			}
			err = errors.Join(second.stop(), town.play(d), d.stop())
			if err == nil {
				err = town.witness()
			}
			if _, _, sessions, _ := town.callers[0].saw(); err != nil || sessions != 1 {
				t.Error(err, sessions, town.story(d))
			}
		})
	}
}
