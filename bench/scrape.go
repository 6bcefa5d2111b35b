package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"time"
)

// scrapeGoal is the goal for a scrape, in ms.
const scrapeGoal = 20

var servedAt = regexp.MustCompile(`metrics are served\s+\{"address": "([^"]+)"\}`)

// scrape measures what Prometheus and a load balancer wait for, at a daemon with many idle lines.
func (b *bench) scrape(ctx context.Context) error {
	lines := b.sizes.idleLines[1]
	town, err := b.startTown(ctx, townArgs(lines/2, lines-lines/2, 0, "tcp", false)...)
	if err != nil {
		return err
	}
	defer town.stop()
	d, err := b.startDaemon(ctx, plan{Dir: b.path("scrape"), Kind: "tcp", CallIn: town.Lines[:lines/2],
		CallOut: town.Lines[lines/2:], Users: 1, Default: true, Log: "info", Metrics: true})
	if err != nil {
		return err
	}
	defer d.stop()
	log, err := os.ReadFile(d.log)
	if err != nil {
		return err
	}
	at := servedAt.FindSubmatch(log)
	if at == nil {
		return fmt.Errorf("the log does not say where the metrics are served")
	}
	if err := pause(ctx, settles); err != nil {
		return err
	}
	for _, path := range []string{"/metrics", "/readyz"} {
		before, err := cpuOf(d.pid())
		if err != nil {
			return err
		}
		var took sample
		var size int64
		for range b.sizes.scrapes {
			began := time.Now()
			if size, err = fetch(ctx, "http://"+string(at[1])+path); err != nil {
				return err
			}
			took = append(took, milliseconds(time.Since(began)))
		}
		after, err := cpuOf(d.pid())
		if err != nil {
			return err
		}
		p99 := took.quantile(0.99)
		b.add(row{figure: fmt.Sprintf("GET %s of a daemon with %d lines, p99", path, lines),
			ours: fmt.Sprintf("%.1f ms (p50 %.1f)", p99, took.median()), goal: fmt.Sprintf("≤ %d ms", scrapeGoal),
			verdict: hold(p99 <= scrapeGoal), port: "tcp",
			note: fmt.Sprintf("%d answers of %d KiB, %.1f ms of CPU of the daemon each", len(took), size>>10,
				milliseconds(after-before)/float64(len(took)))})
	}
	return nil
}

// fetch returns the size of an answer with status 200.
func fetch(ctx context.Context, url string) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, resp.Status)
	}
	return io.Copy(io.Discard, resp.Body)
}
