package pairs

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// v92 contains the V.92 statistics of a modem, from the pair v92-info of Cisco's accounting records: four parts
// separated by slashes, as in "V.92 QC MOH/No QC Requested/60/1".
type v92 struct {
	features     string        // what was negotiated: "V.92", "V.92 QC", "V.92 QC MOH" …
	quickConnect string        // the result of Quick Connect
	onHold       time.Duration // total, in whole seconds
	holds        int           // how often Modem on Hold was started
}

// parseV92 reads the value of v92-info.
func parseV92(s string) (v92, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 {
		const form = "features/quick connect/seconds on hold/times on hold"
		return v92{}, errors.New("v92-info: expected " + form)
	}
	seconds, err1 := Decimal(strings.TrimSpace(parts[2]), 0, 1<<24)
	holds, err2 := Decimal(strings.TrimSpace(parts[3]), 0, 1<<24)
	if err := errors.Join(err1, err2); err != nil {
		return v92{}, errors.New("v92-info: the times are not numbers")
	}
	onHold := time.Duration(seconds) * time.Second
	return v92{strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), onHold, holds}, nil
}

// v92Info reports the value. It grants nothing and refuses nothing.
func v92Info(g *Grant, _ Place, s string) error {
	v, err := parseV92(s)
	if err != nil {
		return g.Left(err.Error() + ", ignored")
	}
	return g.Left(fmt.Sprintf("reported: %s, %s, %s on hold (%d times)",
		Printable(v.features), Printable(v.quickConnect), v.onHold, v.holds))
}
