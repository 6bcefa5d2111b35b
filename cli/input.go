package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ringback/ringback/schema"
)

// input is an open file that the user has named. It may be a pipe: the end of the context ends a Read that waits.
type input struct {
	*os.File
	ctx  context.Context
	stop func() bool
}

// openInput opens a file for reading; the caller closes it. The open of a pipe without a writer waits, until ctx ends.
func openInput(ctx context.Context, path string) (*input, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() { // outlives ctx if the open waits: the system has no way to end that
		f, err := os.Open(path)
		select {
		case done <- opened{f, err}:
		case <-ctx.Done():
			f.Close() // nil has an error only
		}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fileError(path, o.err)
		}
		return &input{o.file, ctx, context.AfterFunc(ctx, func() { o.file.Close() })}, nil
	case <-ctx.Done():
		return nil, fileError(path, errInterrupted)
	}
}

// waitFor returns what f returns for the file at path, or an error when ctx ends before: f may open a pipe that has no
// writer.
func waitFor[T any](ctx context.Context, path string, f func() (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() { // outlives ctx if it waits, as in openInput
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, fileError(path, errInterrupted)
	}
}

var errInterrupted = errors.New("interrupted")

// Read returns errors without the file's name.
func (in *input) Read(b []byte) (int, error) {
	n, err := in.File.Read(b)
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return n, err
	case in.ctx.Err() != nil:
		err = errInterrupted
	}
	if hint := schema.FileHint(err); hint != "" {
		return n, fmt.Errorf("%s (%s)", schema.Reason(err), hint)
	}
	return n, errors.New(schema.Reason(err))
}

func (in *input) Close() error {
	in.stop()
	return in.File.Close()
}

// fileError returns an error about a file that says what to do.
func fileError(path string, err error) error {
	return schema.Problems{schema.FileProblem(path, err)}.Err()
}

// readInput reads a file of at most limit octets.
func readInput(ctx context.Context, path string, limit int64) ([]byte, error) {
	in, err := openInput(ctx, path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, limit))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}
