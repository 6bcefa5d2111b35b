package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// pageGoal is the goal for the CPU of one open board, in percent of a core, at 100 changes of tiles a second.
	pageGoal = 5
	// pageRate is how many callbacks begin in a second. Each changes two tiles or more, whose changes within a message
	// are one.
	pageRate = 45
)

var streamAt = regexp.MustCompile(`hx-sse:connect="([^"]+)"`)

// board is an open page of all lines, as a browser has it.
type board struct {
	tiles, messages, octets atomic.Int64 // what has come
	loaded                  time.Duration
	size                    int
	cancel                  context.CancelFunc
	ended                   chan error
}

// openBoard logs in at the daemon's page and reads its stream until close.
func openBoard(ctx context.Context, d *daemon) (*board, error) {
	link, err := d.api.PageLink(ctx)
	if err != nil {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	o := &board{cancel: cancel, ended: make(chan error, 1)}
	fail := func(err error) (*board, error) {
		cancel()
		return nil, err
	}
	browser := &http.Client{Jar: jar}
	get := func(url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		resp, err := browser.Do(req)
		if err == nil && resp.StatusCode != http.StatusOK {
			resp.Body.Close()
			err = fmt.Errorf("%s: %s", url, resp.Status)
		}
		return resp, err
	}
	began := time.Now()
	resp, err := get(link.URL)
	if err != nil {
		return fail(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return fail(err)
	}
	o.loaded, o.size = time.Since(began), len(page)
	at := streamAt.FindSubmatch(page)
	if at == nil {
		return fail(errors.New("the page does not say where its stream is"))
	}
	base, _, _ := strings.Cut(link.URL, "/login")
	if resp, err = get(base + html.UnescapeString(string(at[1]))); err != nil {
		return fail(err)
	}
	go func() {
		defer resp.Body.Close()
		o.ended <- o.read(resp.Body)
	}()
	return o, nil
}

func (o *board) read(r io.Reader) error {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		o.octets.Add(int64(len(line)))
		o.tiles.Add(int64(strings.Count(line, `<li id="tty-`)))
		if strings.HasPrefix(line, "id: ") {
			o.messages.Add(1)
		}
	}
}

// close ends the stream; it is an error if the stream has ended before.
func (o *board) close() error {
	select {
	case err := <-o.ended:
		o.cancel()
		return fmt.Errorf("the stream of the board has ended: %w", err)
	default:
		o.cancel()
		<-o.ended
		return nil
	}
}

// page measures the CPU of the daemon for one open board of many lines while calls change its tiles: callers are called
// back, in rounds without and with the board.
func (b *bench) page(ctx context.Context) error {
	lines := b.sizes.idleLines[1]
	s, err := b.startSite(ctx, plan{Dir: b.path("page"), Page: true}, lines, pageRate, 3*time.Second)
	if err != nil {
		return err
	}
	defer s.stop()
	share := func() (float64, error) {
		before, err := cpuOf(s.daemon.pid())
		if err != nil {
			return 0, err
		}
		began := time.Now()
		if err := s.round(b.sizes.pageFor); err != nil {
			return 0, err
		}
		after, err := cpuOf(s.daemon.pid())
		return 100 * (after - before).Seconds() / time.Since(began).Seconds(), err
	}
	var without, with, cost, rate, loads sample
	var size int
	var octets, messages int64
	for range b.sizes.pageRounds {
		alone, err := share()
		if err != nil {
			return err
		}
		o, err := openBoard(ctx, s.daemon)
		if err != nil {
			return err
		}
		began := time.Now()
		open, err := share()
		took := time.Since(began).Seconds()
		if err := errors.Join(err, o.close()); err != nil {
			return err
		}
		without, with, cost = append(without, alone), append(with, open), append(cost, open-alone)
		rate = append(rate, float64(o.tiles.Load())/took)
		loads, size = append(loads, milliseconds(o.loaded)), o.size
		octets, messages = octets+o.octets.Load(), messages+o.messages.Load()
		b.say("CPU without a board %.1f %%, with one %.1f %%, %.0f tiles/s", alone, open, rate[len(rate)-1])
	}
	b.add(row{figure: fmt.Sprintf("CPU of one open board of %d lines, of a core", lines),
		ours: cost.spread("%.1f", "%"), peer: "no board " + without.spread("%.1f", "%"),
		goal: fmt.Sprintf("≤ %d %%", pageGoal), verdict: hold(cost.median() <= pageGoal), port: "rfc2217",
		note: fmt.Sprintf("%s with it: the difference of rounds with and without the board; %s tiles change a second, "+
			"by %d callbacks; %d messages of %d octets", with.spread("%.1f", "%"), rate.spread("%.0f", ""), pageRate,
			messages, octets/max(messages, 1))})
	b.add(row{figure: "… its first load", ours: loads.spread("%.0f", "ms"), verdict: info, port: "rfc2217",
		note: fmt.Sprintf("login by the link and the page of %d KiB, while calls are in progress", size>>10)})
	return nil
}
