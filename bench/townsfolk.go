package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// other is the town's process.
type other struct {
	wire.Ready
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// startTown starts the other process and waits until it is ready. The caller must stop it.
func (b *bench) startTown(ctx context.Context, args ...string) (*other, error) {
	cmd := exec.CommandContext(ctx, b.town, args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the town: %w", err)
	}
	o := &other{cmd: cmd, stdin: stdin, out: bufio.NewReaderSize(stdout, 1<<16)}
	if err := o.answer(&o.Ready); err != nil || o.Error != "" {
		o.stop()
		return nil, errors.Join(err, errors.New("the town: "+o.Error))
	}
	return o, nil
}

func (o *other) answer(into any) error {
	line, err := o.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no answer from the town: %w", err)
	}
	return json.Unmarshal(line, into)
}

func (o *other) load(l wire.Load) (wire.Result, error) {
	var r wire.Result
	data, err := json.Marshal(l)
	if err == nil {
		_, err = o.stdin.Write(append(data, '\n'))
	}
	if err == nil {
		err = o.answer(&r)
	}
	return r, err
}

func (o *other) stop() {
	o.stdin.Close()
	ended := make(chan struct{})
	go func() { o.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		o.cmd.Process.Kill()
		<-ended
	}
}

func townArgs(callin, callout, callers int, kind string, radius bool) []string {
	a := []string{"-callin", strconv.Itoa(callin), "-callout", strconv.Itoa(callout), "-callers", strconv.Itoa(callers),
		"-port", kind}
	if radius {
		a = append(a, "-radius")
	}
	return a
}
