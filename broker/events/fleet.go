package events

import (
	"cmp"

	"go.uber.org/zap/zapcore"
)

// FleetOrdered reports an operator's order to another node of the fleet, or to all.
type FleetOrdered struct {
	undebugged
	Verb   string `event:"verb"`
	Node   string `event:"node,omitempty"` // "": all
	Target string `event:"callback,omitempty"`
	By     string `event:"by"`
	Reason string `event:"reason,omitempty"`
}

func (FleetOrdered) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "order sent to the fleet"
}

func (e FleetOrdered) audit() Entry {
	text := e.Verb + " at " + cmp.Or(e.Node, "all nodes")
	if e.Target != "" {
		text = e.Verb + " " + e.Target + " at " + e.Node
	}
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return Entry{"fleet order", e.By, text}
}

// NodeRemoved reports that an operator has vouched that a node is off.
type NodeRemoved struct {
	undebugged
	Node string `event:"node"`
	By   string `event:"by"`
}

func (NodeRemoved) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "node removed from the fleet"
}

func (e NodeRemoved) audit() Entry { return Entry{"node removed", e.By, e.Node} }
