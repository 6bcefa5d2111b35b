package aaa

import (
	"encoding/json"
	"time"
)

// authorizationJSON is Authorization with its durations as text, "1m40s", as people write them in the configuration.
type authorizationJSON struct {
	plainAuthorization
	CallbackDelay   textDuration `json:"callback_delay,omitempty"`
	SessionTimeout  textDuration `json:"session_timeout,omitempty"`
	IdleTimeout     textDuration `json:"idle_timeout,omitempty"`
	InterimInterval textDuration `json:"interim_interval,omitempty"`
}

type plainAuthorization Authorization

// MarshalJSON writes durations as text.
func (a Authorization) MarshalJSON() ([]byte, error) {
	return json.Marshal(authorizationJSON{
		plainAuthorization(a), textDuration(a.CallbackDelay), textDuration(a.SessionTimeout),
		textDuration(a.IdleTimeout), textDuration(a.InterimInterval),
	})
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (a *Authorization) UnmarshalJSON(b []byte) error {
	var j authorizationJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*a = Authorization(j.plainAuthorization)
	a.CallbackDelay, a.SessionTimeout = time.Duration(j.CallbackDelay), time.Duration(j.SessionTimeout)
	a.IdleTimeout, a.InterimInterval = time.Duration(j.IdleTimeout), time.Duration(j.InterimInterval)
	return nil
}

// textDuration is a time.Duration that is text in JSON.
type textDuration time.Duration

func (d textDuration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *textDuration) UnmarshalText(b []byte) error {
	t, err := time.ParseDuration(string(b))
	*d = textDuration(t)
	return err
}
