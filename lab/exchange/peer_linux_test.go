package exchange

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// needs returns the path of a program of a Debian package.
func needs(t *testing.T, program, pkg string) string {
	t.Helper()
	p, err := exec.LookPath(program)
	if err == nil {
		return p
	}
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		t.Fatalf("needs %s: apt-get install %s", program, pkg)
	}
	t.Skipf("needs %s: apt-get install %s", program, pkg)
	return ""
}

// patient makes a modem of a fast network wait for carrier as long as its register allows.
const patient = "S7=255"

// A user of minicom goes through a whole callback.
func TestPeerMinicom(t *testing.T) {
	needs(t, "minicom", "minicom")
	expect := needs(t, "expect", "expect")
	onEvent, events := watchKind("pc", OnHookEvent)
	x := New(Config{Pace: 50, OnEvent: onEvent})
	defer x.Close()
	pc := x.AddModem(ModemConfig{Name: "pc", Number: "84001", Profile: patient})
	nas := x.AddModem(ModemConfig{Name: "nas", Number: "55555", Profile: "S0=1E0Q1" + patient}).DTE()
	tty, err := pc.ServePTY(filepath.Join(t.TempDir(), "ttyPC"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, expect, "-f", "testdata/minicom.exp", tty, "55555")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	played := make(chan error, 1)
	go func() { played <- playNAS(nas, events) }()
	if err := cmd.Wait(); err != nil {
		t.Errorf("minicom under expect: %v", err)
	}
	nas.Close()
	if err := <-played; err != nil {
		t.Errorf("the access server: %v", err)
	}
	if t.Failed() {
		t.Logf("minicom's screen:\n%s\ndials: %s", out.String(), outcomes(x))
	}
	if got := outcomes(x); got != "55555 connected; 84001 connected" {
		t.Errorf("dials: %s", got)
	}
}

// playNAS plays the access server's part of the dialogue without its logic.
func playNAS(nas *DTE, pcEvents <-chan Kind) error {
	<-carrier(nas, true)
	nas.Write([]byte("\r\nUsername: "))
	if err := expectBytes(nas, "austin-01\r"); err != nil {
		return err
	}
	nas.Write([]byte("\r\nCallback initiated - line is disconnected\r\n"))
	nas.SetDTR(false)
	nas.SetDTR(true)
	select {
	case <-pcEvents:
	case <-time.After(patience):
		return errors.New("the caller stays off hook")
	}
	nas.Write([]byte("ATDT84001\r"))
	<-carrier(nas, true)
	nas.Write([]byte("\r\nmaui-nas-04>"))
	if err := expectBytes(nas, "exit\r"); err != nil {
		return err
	}
	nas.SetDTR(false)
	return nil
}

// carrier returns a channel that is closed when DCD is as wanted, or after patience.
func carrier(d *DTE, on bool) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		timeout := time.After(patience)
		for d.Signals().Has(DCD) != on {
			select {
			case <-d.Changes():
			case <-timeout:
				return
			}
		}
	}()
	return done
}

func expectBytes(d *DTE, want string) error {
	d.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	b := make([]byte, 1)
	for !bytes.HasSuffix(got, []byte(want)) {
		n, err := d.Read(b)
		if got = append(got, b[:n]...); err != nil {
			return errors.New("want " + want + ", got " + string(got) + ": " + err.Error())
		}
	}
	return nil
}

// Debian's chat dials with the exchange's modem; its exit status is as its manual says: 0, or 4 and up for the abort
// strings.
func TestPeerChat(t *testing.T) {
	chat, err := exec.LookPath("/usr/sbin/chat")
	if err != nil {
		chat = needs(t, "chat", "ppp")
	}
	abort := []string{"ABORT", "BUSY", "ABORT", "NO CARRIER", "ABORT", "NO DIALTONE", "ABORT", "NO ANSWER", "ABORT",
		"ERROR"}
	tests := []struct {
		name   string
		number string
		fault  Fault
		want   int
	}{
		{"connect", "55555", Fault{}, 0},
		{"connect in pieces", "55555", Fault{SplitConnect: 5 * time.Millisecond}, 0},
		{"busy", "666", Fault{}, 4},
		{"not in the directory", "12345", Fault{}, 5},
		{"no dialtone", "55555", Fault{NoDialtone: true}, 6},
		{"no answer", "777", Fault{}, 7},
		{"error", "5=5", Fault{}, 8},
		{"hung", "55555", Fault{Hung: true}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			x := New(Config{Pace: 200})
			defer x.Close()
			x.AddModem(ModemConfig{Name: "nas", Number: "55555", Profile: "S0=1"}).DTE()
			x.Reserve("666", Busy)
			x.Reserve("777", NoAnswer)
			m := x.AddModem(ModemConfig{Name: "pc", ConnectText: "CONNECT 9600"})
			path, err := m.ServePTY("")
			if err != nil {
				t.Fatal(err)
			}
			m.SetFault(tt.fault)
			tty := openPath(t, path)
			defer tty.Close()
			timeout := "20"
			if tt.want == 3 {
				timeout = "1"
			}
			args := append([]string{"-S", "-v", "-s", "-t", timeout}, abort...)
			cmd := exec.CommandContext(t.Context(), chat, append(args, "", "ATE0"+patient, "OK", "ATDT"+tt.number,
				"CONNECT", `\c`)...)
			var out bytes.Buffer
			blocking, err := os.OpenFile(path, os.O_RDWR|0x100, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer blocking.Close()
			cmd.Stdin, cmd.Stdout, cmd.Stderr = blocking, blocking, &out
			err = cmd.Run()
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			if got := cmd.ProcessState.ExitCode(); got != tt.want {
				t.Errorf("exit status %d, want %d\n%s", got, tt.want, out.String())
			}
		})
	}
}
