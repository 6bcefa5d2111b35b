package api

import (
	"context"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
)

func (d daemon) TestModem(ctx context.Context, tty, with int, number string) (client.ModemTest, error) {
	t, err := d.b.TestModem(ctx, broker.TestOrder{TTY: tty, With: with, Number: number, By: By(ctx)})
	return modemTestOf(t), err
}

// modemTestOf returns a modem test for clients.
func modemTestOf(t broker.ModemTest) client.ModemTest {
	return client.ModemTest{ID: t.ID, TTY: t.TTY, With: t.With, Number: t.Number, By: t.By, Started: t.Started.Local(),
		Ended: ended(t.Ended), Result: string(t.Result), Text: t.Text, Blamed: t.Blamed, Dial: t.Dial.Seconds(),
		Call: t.Call.Seconds(), Down: t.Down.Seconds(), Connect: t.Connect, Answered: t.Answered, Octets: t.Octets,
		There: t.There.Seconds(), Back: t.Back.Seconds()}
}
