package radius

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// v92 is what a V.92 modem did, as the pair v92-info of Cisco's accounting records says it: four parts with a slash between, as in
// "V.92 QC MOH/No QC Requested/60/1".
type v92 struct {
	features     string        // what was negotiated: "V.92", "V.92 QC", "V.92 QC MOH" …
	quickConnect string        // what came of Quick Connect
	onHold       time.Duration // in all; whole seconds
	holds        int           // how often Modem on Hold was begun
}

// parseV92 reads the value of v92-info.
func parseV92(s string) (v92, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 4 {
		return v92{}, errors.New("v92-info: it has not four parts: features/quick connect/seconds on hold/times on hold")
	}
	seconds, err1 := decimal(strings.TrimSpace(parts[2]), 0, 1<<24)
	holds, err2 := decimal(strings.TrimSpace(parts[3]), 0, 1<<24)
	if err := errors.Join(err1, err2, oneLine(s)); err != nil {
		return v92{}, errors.New("v92-info: its times are no numbers")
	}
	return v92{strings.TrimSpace(parts[0]), strings.TrimSpace(parts[1]), time.Duration(seconds) * time.Second, holds}, nil
}

// pairV92 tells what it says. It grants nothing and refuses nothing.
func (r *reading) pairV92(s string) error {
	v, err := parseV92(s)
	if err != nil {
		return r.left(err.Error() + ", left")
	}
	return r.left("told: " + printable(v.features) + ", " + printable(v.quickConnect) + ", " + v.onHold.String() + " on hold in " + strconv.Itoa(v.holds) + " times")
}
