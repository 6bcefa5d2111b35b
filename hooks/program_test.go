package hooks

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// reported is what a command has seen.
type reported struct {
	Args, Env  []string
	Stdin, Dir string
	PID, Group int
}

// command is what the test binary does as the command of a hook. It returns the exit status.
func command(name string, args []string) int {
	switch name {
	case "report":
		in, err := io.ReadAll(os.Stdin)
		dir, err2 := os.Getwd()
		b, err3 := json.Marshal(reported{Args: args[1:], Env: os.Environ(), Stdin: string(in), Dir: dir,
			PID: os.Getpid(), Group: syscall.Getpgrp()})
		// whole or not at all: the test waits for the file
		err4 := os.WriteFile(args[0]+".part", b, 0o600)
		if err5 := os.Rename(args[0]+".part", args[0]); err != nil || err2 != nil || err3 != nil || err4 != nil ||
			err5 != nil {
			return 1
		}
		return 0
	case "fail":
		fmt.Fprint(os.Stderr, "it is broken\x1b[31m\n")
		return 3
	case "chatter":
		for range 1000 {
			fmt.Print(strings.Repeat("x", 1<<16))
		}
		return 1
	case "hang", "leave":
		self, err := os.Executable()
		if err != nil {
			return 1
		}
		child := exec.Command(self, "sleep")
		if err := child.Start(); err != nil {
			return 1
		}
		if err := os.WriteFile(args[0]+".part", []byte(strconv.Itoa(child.Process.Pid)), 0o600); err != nil {
			return 1
		}
		if err := os.Rename(args[0]+".part", args[0]); err != nil {
			return 1
		}
		if name == "leave" {
			return 0
		}
		select {}
	case "sleep":
		r, _, err := os.Pipe()
		if err == nil {
			_, _ = r.Read(make([]byte, 1)) // until it is killed
		}
	}
	return 1
}
