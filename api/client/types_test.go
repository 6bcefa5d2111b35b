package client

import (
	"encoding/json"
	"maps"
	"testing"
	"time"
)

// A callback's history and the steps of a decision each have field names of their own in JSON.
func TestTraceFields(t *testing.T) {
	data, err := json.Marshal(CallbackDetail{
		History: []Happening{{Time: time.Date(1993, 11, 21, 10, 4, 5, 0, time.UTC), Event: "HungUp", Phase: "leasing",
			Text: "tty 65"}},
		Decision: []Step{{Rule: "number plan", Input: "9,84001", Result: "84001"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ History, Decision []map[string]string }
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	history := map[string]string{"time": "1993-11-21T10:04:05Z", "event": "HungUp", "phase": "leasing",
		"text": "tty 65"}
	decision := map[string]string{"rule": "number plan", "input": "9,84001", "result": "84001"}
	if !maps.Equal(got.History[0], history) || !maps.Equal(got.Decision[0], decision) {
		t.Errorf("%s", data)
	}
}
