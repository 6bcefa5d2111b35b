package e2e

import (
	"bufio"
	"context"
	"strings"
	"sync"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/pppclient"
)

// runPPP is the caller's loop with a computer that speaks PPP: it asks for a callback by CBCP, hangs up when it is
// promised, and goes online on leg two. It ends with the exchange.
func (c *crashCaller) runPPP() {
	in := bufio.NewReader(c.dte)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		c.mu.Lock()
		c.screen.WriteString(line)
		c.mu.Unlock()
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "CONNECT"):
			c.link(in)
			c.hangUp()
			c.ended()
		case line == "NO CARRIER", line == "BUSY", line == "NO ANSWER", line == "NO DIALTONE", line == "ERROR":
			c.ended()
		}
	}
}

// link runs PPP on a call, until it has what it wants or the carrier is lost.
func (c *crashCaller) link(in *bufio.Reader) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	var lost sync.WaitGroup
	lost.Go(func() {
		c.awaitCarrier(ctx)
		cancel()
	})
	defer lost.Wait()
	defer cancel()
	client := pppclient.New(in, c.dte, pppclient.Config{User: "u" + c.number, Password: "p" + c.number,
		Callback: pppclient.Callback{Kind: pppclient.CBCP}})
	promise, err := client.Login(ctx)
	if promise != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.heard++
		return
	}
	if err == nil {
		_, err = client.Connect(ctx)
	}
	if err != nil {
		return
	}
	c.mu.Lock()
	c.sessions++
	c.mu.Unlock()
	client.Terminate(ctx, "done")
}

// awaitCarrier returns when the carrier is lost, or when ctx ends.
func (c *crashCaller) awaitCarrier(ctx context.Context) {
	for c.dte.Signals().Has(exchange.DCD) {
		select {
		case <-c.dte.Changes():
		case <-ctx.Done():
			return
		}
	}
}

// hangUp drops DTR until the modem has hung up.
func (c *crashCaller) hangUp() {
	c.dte.SetDTR(false)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c.awaitCarrier(ctx)
	c.dte.SetDTR(true)
}
