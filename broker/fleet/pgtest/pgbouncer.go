package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// PgBouncer starts a PgBouncer in transaction mode before a database's server, and returns the directory of its socket.
// The test's cleanup kills it. settings are lines of its section [pgbouncer]. If it is not installed, the test is
// skipped, or fails with RINGBACK_REQUIRE_PEERS=1.
func PgBouncer(t testing.TB, d *Database, settings string) (address string) {
	t.Helper()
	program, err := exec.LookPath("/usr/sbin/pgbouncer")
	if err != nil {
		if program, err = exec.LookPath("pgbouncer"); err != nil {
			missing(t, "needs PgBouncer: apt-get install pgbouncer")
		}
	}
	dir, err := newDir(false)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	config := filepath.Join(dir, "pgbouncer.ini")
	text := fmt.Sprintf("[databases]\n%s = host=%s port=%d user=%s\n[pgbouncer]\nlisten_port = %d\n"+
		"unix_socket_dir = %s\nauth_type = any\npool_mode = transaction\npidfile = %s\nlogfile = %s\n%s\n", d.Name,
		d.Address, Port, User, Port, dir, filepath.Join(dir, "pid"), filepath.Join(dir, "log"), settings)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-q", config)
	cmd.Dir, cmd.Env = dir, environment(dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(), Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatalf("pgtest: start PgBouncer: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		os.RemoveAll(dir)
	})
	through := Server{Database: Database{Address: dir}}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if !await(func() bool { _, err = through.query(ctx, d.Name, User, "SELECT 1"); return err == nil }) {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Fatalf("pgtest: PgBouncer: %v\n%s", err, log)
	}
	return dir
}
