package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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

// million is a journal of a million ended callbacks of 5,000 users, of which only those of u7 and the last 200 have a
// checksum that holds.
func million(b *testing.B) *Journal {
	path := diskPath(b)
	j := open(b, path)
	done := func(i int, user string) journal.Mutation {
		c := callback(fmt.Sprint("cb", i), user)
		c.Created = at(i)
		return journal.PutCallback{Callback: ended(c, "done")}
	}
	for i := range 200 {
		commit(b, j, done(i, "u7"))
	}
	columns := strings.Join(callbacksTable.cols, ", ")
	values := slices.Clone(callbacksTable.cols)
	for i, c := range values {
		values[i] = cmp.Or(map[string]string{"id": "'x' || n", "user": "'v' || (n % 5000)",
			"created": "created + n"}[c], c)
	}
	edit(b, path, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000) "+
		"INSERT INTO callbacks ("+columns+", sum) "+
		"SELECT "+strings.Join(values, ", ")+", sum FROM c, callbacks WHERE id = 'cb199'")
	for i := range 200 {
		commit(b, j, done(2_000_000+i, fmt.Sprint("w", i)))
	}
	return j
}

// BenchmarkSearch lists the callbacks of a user, and those since a time, as `show callbacks` does.
func BenchmarkSearch(b *testing.B) {
	j := million(b)
	for name, f := range map[string]journal.Filter{
		"user": {User: "u7"}, "since": {Since: at(2_000_000)}, "both": {User: "u7", Since: at(100)},
		"all": {}, "long ago": {Since: at(1)},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				n, err := j.CountCallbacks(b.Context(), f)
				if err != nil {
					b.Fatal(err)
				}
				found, bad, err := j.Callbacks(b.Context(), 100, f)
				if err != nil || len(bad) > 0 || len(found) != min(n, 100) {
					b.Fatal(n, len(found), bad, err)
				}
			}
		})
	}
}
