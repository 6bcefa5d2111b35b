// River works through jobs of a queue in PostgreSQL, each completed in a transaction of its own: the peer of a fleet's
// claim, attempt and end. It is a module of its own, so that ringback does not need River.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// callback is the job: as many octets as a callback has.
type callback struct {
	Number int    `json:"number"`
	Body   string `json:"body"`
}

func (callback) Kind() string { return "callback" }

// worker completes each job in a transaction of its own, which is durable before the next one.
type worker struct {
	river.WorkerDefaults[callback]
	pool *pgxpool.Pool
	done chan struct{}
}

func (w *worker) Work(ctx context.Context, job *river.Job[callback]) error {
	tx, err := w.pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	w.done <- struct{}{}
	return nil
}

func main() {
	dsn := flag.String("dsn", "", "the database")
	jobs := flag.Int("jobs", 2000, "number of jobs")
	workers := flag.Int("workers", 16, "number of workers")
	cooldown := flag.Duration("cooldown", time.Millisecond, "least time between two fetches")
	flag.Parse()
	rate, err := run(context.Background(), *dsn, *jobs, *workers, *cooldown)
	if err != nil {
		fmt.Fprintln(os.Stderr, "river:", err)
		os.Exit(1)
	}
	fmt.Printf("%.1f\n", rate)
}

// run returns the jobs that were fetched and completed in a second.
func run(ctx context.Context, dsn string, jobs, workers int, cooldown time.Duration) (float64, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return 0, err
	}
	config.MaxConns = int32(workers) + 4
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	driver := riverpgxv5.New(pool)
	migrator, err := rivermigrate.New[pgx.Tx](driver, nil)
	if err != nil {
		return 0, err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return 0, err
	}
	w := &worker{pool: pool, done: make(chan struct{}, jobs)}
	all := river.NewWorkers()
	river.AddWorker(all, w)
	client, err := river.NewClient[pgx.Tx](driver, &river.Config{
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: workers}},
		FetchCooldown: cooldown, FetchPollInterval: max(cooldown, time.Millisecond), Workers: all,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		return 0, err
	}
	body := make([]byte, 1800)
	for i := range body {
		body[i] = byte('a' + i%26)
	}
	params := make([]river.InsertManyParams, jobs)
	for i := range params {
		params[i] = river.InsertManyParams{Args: callback{i, string(body)}}
	}
	if _, err := client.InsertMany(ctx, params); err != nil {
		return 0, err
	}
	began := time.Now()
	if err := client.Start(ctx); err != nil {
		return 0, err
	}
	for range jobs {
		<-w.done
	}
	rate := float64(jobs) / time.Since(began).Seconds()
	return rate, client.Stop(ctx)
}
