package web

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// playerPolicy is the policy of the page that plays a recording: the terminal of the player is WebAssembly, which is
// compiled from a file of this site.
const playerPolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; " +
	"img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (s *Server) recordings(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := historyOf(r, pageRows)
	if q.problem != "" {
		s.render(w, r, http.StatusUnprocessableEntity, recordingsPage(v, q, nil, false))
		return nil
	}
	all, older, err := v.api.Recordings(r.Context(), q.query)
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, recordingsPage(v, q, all, older))
	return nil
}

// recording is the page that plays a recording. It does not read it: the audit shall have who plays one.
func (s *Server) recording(w http.ResponseWriter, r *http.Request, v *visit) error {
	all, _, err := v.api.Recordings(r.Context(), client.CallQuery{Last: client.MaxCalls})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(one client.Recording) bool { return one.ID == r.PathValue("id") })
	if i < 0 {
		s.render(w, r, http.StatusNotFound, errorPage(v, statusText(r.Context(), http.StatusNotFound),
			problem{text: say(r.Context(), texts.PageNoSuchRecording)}))
		return nil
	}
	w.Header().Set("Content-Security-Policy", playerPolicy)
	s.render(w, r, http.StatusOK, recordingPage(v, all[i]))
	return nil
}

// recordingFile sends the file of a recording, to the player or to be kept.
func (s *Server) recordingFile(w http.ResponseWriter, r *http.Request, v *visit) error {
	file, err := v.api.Recording(context.WithoutCancel(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	defer file.Close()
	w.Header().Set("Content-Type", "application/x-asciicast")
	w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(fileName(r.PathValue("id"))+".cast"))
	_, _ = io.Copy(w, file) // a browser that has gone needs no error
	return nil
}

// fileName returns the letters, digits and hyphens of a text.
func fileName(text string) string {
	var b []byte
	for _, c := range []byte(text) {
		if c == '-' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			b = append(b, c)
		}
	}
	return string(b[:min(len(b), 64)])
}

func recordingPath(id string) string { return "/recordings/" + url.PathEscape(id) }

// recordingStates are the names of the states of a recording.
var recordingStates = map[string]texts.Key{"live": texts.PageRecordingLive, "live, gaps": texts.PageRecordingLiveGaps,
	"cut off": texts.PageRecordingCutOff, "gaps": texts.PageRecordingGaps, "complete": texts.PageRecordingComplete}

// recordingKind is the class of a recording's badge.
func recordingKind(r client.Recording) string {
	switch {
	case r.Live:
		return "moving"
	case !r.Complete:
		return "bad"
	case r.Lost > 0:
		return "warn"
	}
	return "good"
}
