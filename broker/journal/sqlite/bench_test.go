package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// promise returns what a callback's promise writes: the callback and its audit record. Each is for another user.
func promise(i int) []journal.Mutation {
	return []journal.Mutation{journal.PutCallback{Callback: callback(fmt.Sprint("cb", i), fmt.Sprint("u", i))}}
}

// BenchmarkCommit commits one promise at a time, durably.
func BenchmarkCommit(b *testing.B) {
	j := open(b, diskPath(b))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		commit(b, j, promise(i)...)
	}
}

// BenchmarkCommitHerd commits promises of many concurrent callers.
func BenchmarkCommitHerd(b *testing.B) {
	j := open(b, diskPath(b))
	b.SetParallelism(32)
	n := make(chan int)
	go func() {
		for i := range b.N {
			n <- i
		}
	}()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := j.Commit(context.Background(), promise(<-n)...); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/float64(j.Commits()), "promises/sync")
}

// BenchmarkBareCommit writes the same row with SQLite alone: the same settings and driver, one prepared INSERT per
// transaction, no checksum, no index except the key, on the benchmark's own goroutine.
func BenchmarkBareCommit(b *testing.B) {
	path := filepath.Join(b.TempDir(), "bare.db")
	if err := errors.Join(prepareDir(filepath.Dir(path)), prepareFile(path)); err != nil {
		b.Fatal(err)
	}
	c, err := openConn(path, "rw")
	if err != nil {
		b.Fatal(err)
	}
	defer c.close()
	if err := c.durable(); err != nil {
		b.Fatal(err)
	}
	columns := callbacksTable.columns()
	if _, err := c.exec("CREATE TABLE callbacks (id TEXT NOT NULL PRIMARY KEY" + columns[len("id"):] +
		")"); err != nil {
		b.Fatal(err)
	}
	sum := make([]byte, 32)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		values := append(callbackValues(callback(fmt.Sprint("cb", i), fmt.Sprint("u", i))), sum)
		if _, err := c.exec(insert(callbacksTable), values...); err != nil {
			b.Fatal(err)
		}
	}
}
