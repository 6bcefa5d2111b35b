package modem

import (
	"context"
	"errors"

	"github.com/ringback/ringback/lines"
)

// errRawInBand is why a port without modem signals has no raw access: the user could leave a call up whose far end
// imitates the modem, and nothing could tell afterwards.
var errRawInBand = errors.New("raw access needs modem signals: without them nothing proves afterwards that the line " +
	"is on hook (use a port with modem signals; insecure_signals: true waives the proof)")

// OpenRaw implements lines.RawDriver. On a port without modem signals, where insecure_signals waives the proof, the
// modem gets a new secret when the next driver begins.
func (d *Driver) OpenRaw(ctx context.Context) (lines.Port, error) {
	port, err := d.o.Open(ctx)
	if err != nil {
		return nil, err
	}
	if !port.HasSignals() {
		if err = errRawInBand; d.o.Config.InsecureSignals {
			err = d.o.Proofs.save(d.o.Config.TTY, state{})
		}
	} else {
		err = port.SetDTR(true)
	}
	if err != nil {
		return nil, errors.Join(err, port.Close())
	}
	return port, nil
}
