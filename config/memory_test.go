package config

import (
	"path/filepath"
	"runtime"
	"testing"
	"weak"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// TestNodesAreFreed: a Config does not keep the nodes of its file in memory, which are larger than the Config.
func TestNodesAreFreed(t *testing.T) {
	path := filepath.Join(samples(t), "full.yaml")
	type loaded struct {
		cfg   *Config
		nodes weak.Pointer[schema.Value]
	}
	done := make(chan loaded)
	go func() { // its stack, which may still have pointers to the nodes, ends with it
		data, self, err := readFile(path, schema.MaxSize)
		if err != nil {
			t.Error(err)
		}
		l := &loader{file: path, dir: filepath.Dir(path), self: self, read: readFile, policies: policies.LoadDir,
			tun: tunDevice}
		cfg, problems := l.load(data, nil)
		if cfg == nil {
			t.Error(problems)
		}
		done <- loaded{cfg, weak.Make(l.v)}
	}()
	l := <-done
	runtime.GC()
	runtime.GC() // the goroutine may have ended after the first one began
	if l.nodes.Value() != nil {
		t.Error("the nodes of the file are still in memory")
	}
	runtime.KeepAlive(l.cfg)
}
