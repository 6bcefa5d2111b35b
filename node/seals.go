package node

import (
	"time"

	"go.uber.org/zap"
)

const (
	sealPatience = 5 * time.Second  // for the last seal at the stop
	sealSlow     = 10 * time.Second // a seal that takes longer is a problem
)

// closeSealer makes the last seal.
func (d *daemon) closeSealer() {
	if err := d.sealer.Close(sealPatience); err != nil {
		d.log.Error("the audit is not sealed at the stop", zap.Error(err))
	}
}
